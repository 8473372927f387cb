"""every change of a todo is recorded in its person's order."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_CALLER = "NULLIF(current_setting('app.user_id', true), '')::uuid"


def upgrade() -> None:
    """Create the table, bound to the caller like the others; recording begins now."""
    op.create_table(
        "todo_changes",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("todo_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("todo", JSONB(), nullable=True),
        sa.PrimaryKeyConstraint("user_id", "seq", name="pk_todo_changes"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_todo_changes_user_id_users", ondelete="CASCADE"
        ),
        sa.CheckConstraint(
            "kind IN ('created', 'updated', 'completed', 'reopened', 'deleted', 'restored', 'purged')",
            name="kind",
        ),
    )
    op.execute("ALTER TABLE todo_changes ENABLE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY owner_only ON todo_changes TO todo_app "
        f"USING (user_id = {_CALLER}) WITH CHECK (user_id = {_CALLER})"
    )
    op.execute("GRANT SELECT, INSERT ON todo_changes TO todo_app")


def downgrade() -> None:
    """Forget what changed when; the todos stay."""
    op.drop_table("todo_changes")
