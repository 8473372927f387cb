"""the trash is emptied, as its owner."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let the application's role remove todos; the policy holds it to those of the caller."""
    op.execute("GRANT DELETE ON todos TO todo_app")


def downgrade() -> None:
    """Nothing is removed any more."""
    op.execute("REVOKE DELETE ON todos FROM todo_app")
