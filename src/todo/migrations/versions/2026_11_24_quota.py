"""todos are counted per person, so that there can be a quota."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


# One person at a time, so that nobody waits for more than their own count. The lock comes first, for the
# count to see what its last holder has committed. What a crash takes back is counted again.
_COUNT = """
DO $$
DECLARE
    person uuid;
BEGIN
    FOR person IN SELECT id FROM users LOOP
        SET LOCAL synchronous_commit = off;
        PERFORM FROM users WHERE id = person FOR UPDATE;
        UPDATE users SET todo_count = (SELECT count(*) FROM todos WHERE user_id = person) WHERE id = person;
        COMMIT;
    END LOOP;
END
$$
"""


def upgrade() -> None:
    """Add the count, and count what is there.

    What workers of the previous release add afterwards is not counted.
    """
    op.add_column(
        "users",
        sa.Column("todo_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        if_not_exists=True,
    )
    with op.get_context().autocommit_block():
        op.execute(_COUNT)


def downgrade() -> None:
    """Forget the counts."""
    op.drop_column("users", "todo_count")
