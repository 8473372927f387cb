"""the index that was asked whether an id is taken is gone."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_INDEX = "ix_todos_owner"


def upgrade() -> None:
    """Drop it: nobody asks it since the revision before."""
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '10s'")
        op.drop_index(_INDEX, "todos", postgresql_concurrently=True, if_exists=True)


def downgrade() -> None:
    """Build it again."""
    op.create_index(
        _INDEX,
        "todos",
        [sa.text("(ARRAY[user_id, id])")],
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
