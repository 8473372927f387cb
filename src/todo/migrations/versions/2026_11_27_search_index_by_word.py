"""the index that searches use is read word by word, not block by block."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_BUILT = "pk_todo_words_built"


def upgrade() -> None:
    """Order its key by word: all of a word's places lie together.

    Workers of the previous release find and write what they did before.
    """
    _order("user_id", "word", "block")


def downgrade() -> None:
    """Order it by block again."""
    _order("user_id", "block", "word")


def _order(*columns: str) -> None:
    with op.get_context().autocommit_block():
        # Whoever does not let it through in time is named; then it is tried again.
        op.execute("SET lock_timeout = '10s'")
        # One that was broken off is there and answers nothing.
        op.drop_index(_BUILT, "todo_words", postgresql_concurrently=True, if_exists=True)
        op.create_index(
            _BUILT, "todo_words", [*columns], unique=True, postgresql_concurrently=True, if_not_exists=True
        )
    op.execute(
        "ALTER TABLE todo_words DROP CONSTRAINT pk_todo_words, "
        f"ADD CONSTRAINT pk_todo_words PRIMARY KEY USING INDEX {_BUILT}"
    )
