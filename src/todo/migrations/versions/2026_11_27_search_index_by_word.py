"""the index that searches use is read word by word, not block by block."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Order its key by word: all of a word's places lie together.

    Workers of the previous release find and write what they did before.
    """
    _order("user_id, word, block")


def downgrade() -> None:
    """Order it by block again."""
    _order("user_id, block, word")


def _order(columns: str) -> None:
    op.execute(
        sa.text(
            "ALTER TABLE todo_words DROP CONSTRAINT pk_todo_words, "
            f"ADD CONSTRAINT pk_todo_words PRIMARY KEY ({columns})"
        )
    )
