"""a person may delete themselves."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let the application's role delete people; the policy holds it to the caller."""
    op.execute("GRANT DELETE ON users TO todo_app")


def downgrade() -> None:
    """Nobody is deleted any more."""
    op.execute("REVOKE DELETE ON users FROM todo_app")
