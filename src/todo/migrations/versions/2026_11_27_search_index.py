"""searches find words in an index, which fills itself for those who search."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_CALLER = "NULLIF(current_setting('app.user_id', true), '')::uuid"
_TABLES = ("todo_words", "indexed_todos")


def upgrade() -> None:
    """Make room for it, empty, and bound to the caller like the others.

    What workers of the previous release write meanwhile is met when it is next searched, like all writes.
    """
    op.add_column(
        "users", sa.Column("indexed_seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    )
    op.create_table(
        "todo_words",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("word", sa.Text(collation="C"), nullable=False),
        sa.Column("places", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "block", "word", name="pk_todo_words"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_todo_words_user_id_users", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "indexed_todos",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "id", name="pk_indexed_todos"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_indexed_todos_user_id_users", ondelete="CASCADE"
        ),
    )
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY owner_only ON {table} TO todo_app "
            f"USING (user_id = {_CALLER}) WITH CHECK (user_id = {_CALLER})"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO todo_app")


def downgrade() -> None:
    """Forget the index."""
    for table in _TABLES:
        op.drop_table(table)
    op.drop_column("users", "indexed_seq")
