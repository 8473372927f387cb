"""people's programs sign in with API keys."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_CALLER = "NULLIF(current_setting('app.user_id', true), '')::uuid"


def upgrade() -> None:
    """Create the table, bound to the caller like the others."""
    op.create_table(
        "api_keys",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("user_id", "id", name="pk_api_keys"),
        sa.UniqueConstraint("user_id", "digest", name="uq_api_keys_user_id_digest"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_api_keys_user_id_users", ondelete="CASCADE"
        ),
        sa.CheckConstraint("char_length(name) BETWEEN 1 AND 100", name="name"),
    )
    op.execute("ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY owner_only ON api_keys TO todo_app "
        f"USING (user_id = {_CALLER}) WITH CHECK (user_id = {_CALLER})"
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON api_keys TO todo_app")


def downgrade() -> None:
    """Forget the keys; programs that used them have to sign in anew."""
    op.drop_table("api_keys")
