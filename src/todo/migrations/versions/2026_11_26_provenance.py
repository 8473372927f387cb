"""changes say where they come from and what was before, so that they can be undone."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_COLUMNS = {
    "action": sa.BigInteger,
    "client": sa.Text,
    "client_name": sa.Text,
    "tool": sa.Text,
    "reason": sa.Text,
    "before": JSONB,
    "undoes": sa.BigInteger,
}
_INDEX = "ix_todo_changes_user_id_todo_id_seq"


def upgrade() -> None:
    """Add the columns, empty: of older changes nobody knows it. No row is written anew."""
    for name, kind in _COLUMNS.items():
        op.add_column("todo_changes", sa.Column(name, kind(), nullable=True), if_not_exists=True)
    with op.get_context().autocommit_block():
        # Whoever does not let it through in time is named; then it is tried again.
        op.execute("SET lock_timeout = '10s'")
        # One that was broken off is there and answers nothing.
        op.drop_index(_INDEX, "todo_changes", postgresql_concurrently=True, if_exists=True)
        op.create_index(
            _INDEX,
            "todo_changes",
            ["user_id", "todo_id", "seq"],
            postgresql_concurrently=True,
            if_not_exists=True,
        )


def downgrade() -> None:
    """Forget where changes came from; they stay."""
    op.drop_index(_INDEX, "todo_changes")
    for name in reversed(_COLUMNS):
        op.drop_column("todo_changes", name)
