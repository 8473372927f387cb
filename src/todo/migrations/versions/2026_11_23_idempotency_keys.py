"""answers of keyed requests are kept for those who ask again."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_CALLER = "NULLIF(current_setting('app.user_id', true), '')::uuid"


def upgrade() -> None:
    """Create the table, bound to the caller like the others."""
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("headers", JSONB(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "key", name="pk_idempotency_keys"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_idempotency_keys_user_id_users", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_idempotency_keys_user_id_created_at", "idempotency_keys", ["user_id", "created_at"])
    op.execute("ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY owner_only ON idempotency_keys TO todo_app "
        f"USING (user_id = {_CALLER}) WITH CHECK (user_id = {_CALLER})"
    )
    op.execute("GRANT SELECT, INSERT, DELETE ON idempotency_keys TO todo_app")


def downgrade() -> None:
    """Forget the answers."""
    op.drop_table("idempotency_keys")
