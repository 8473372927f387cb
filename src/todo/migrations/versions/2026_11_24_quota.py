"""todos are counted per person, so that there can be a quota."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the count, and count what is there.

    The lock on `users` keeps every writer of todos waiting meanwhile, for each of them begins there. What
    workers of the previous release add afterwards is not counted.
    """
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.add_column(
        "users", sa.Column("todo_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    )
    op.execute(
        "UPDATE users SET todo_count = counted.todos "
        "FROM (SELECT user_id, count(*) AS todos FROM todos GROUP BY user_id) AS counted "
        "WHERE id = counted.user_id"
    )


def downgrade() -> None:
    """Forget the counts."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.drop_column("users", "todo_count")
