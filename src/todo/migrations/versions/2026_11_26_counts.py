"""todos are counted per person by state and priority, so that a total costs the same for ten and for many."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# One person at a time, so that nobody waits for more than their own count. The lock comes first, for the
# count to see what its last holder has committed. What a crash takes back is counted again.
_COUNT = """
DO $$
DECLARE
    person uuid;
BEGIN
    FOR person IN SELECT id FROM users WHERE counted_seq <> change_seq LOOP
        SET LOCAL synchronous_commit = off;
        PERFORM FROM users WHERE id = person FOR UPDATE;
        UPDATE users SET counted_seq = change_seq, todo_count = counted.todos, todo_counts = counted.places
          FROM (SELECT sum(number) AS todos, array_agg(number ORDER BY place) AS places
                  FROM (SELECT place, count(todos.id) AS number
                          FROM generate_series(1, 12) AS place
                          LEFT JOIN todos ON user_id = person AND place = priority_rank
                               + CASE WHEN deleted_at IS NOT NULL THEN 8
                                      WHEN completed_at IS NOT NULL THEN 4 ELSE 0 END
                         GROUP BY place) AS numbers) AS counted
         WHERE id = person AND counted_seq <> change_seq;
        COMMIT;
    END LOOP;
END
$$
"""


def upgrade() -> None:
    """Add the numbers, behind for everybody, and count what is there.

    Whoever is changed by workers of the previous release meanwhile stays behind until their next change here.
    """
    op.add_column(
        "users",
        sa.Column(
            "todo_counts",
            sa.ARRAY(sa.BigInteger()),
            server_default=sa.text("'{0,0,0,0,0,0,0,0,0,0,0,0}'"),
            nullable=False,
        ),
        if_not_exists=True,
    )
    op.add_column(
        "users",
        sa.Column("counted_seq", sa.BigInteger(), server_default=sa.text("'-1'"), nullable=False),
        if_not_exists=True,
    )
    with op.get_context().autocommit_block():
        op.execute(_COUNT)


def downgrade() -> None:
    """Forget the numbers."""
    op.drop_column("users", "counted_seq")
    op.drop_column("users", "todo_counts")
