"""the indexes whose questions others answer are gone."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_TWICE = {
    "ix_todos_id_user_id": ("todos", ["id", "user_id"]),
    "ix_todo_changes_user_id_todo_id_seq": ("todo_changes", ["user_id", "todo_id", "seq"]),
}


def upgrade() -> None:
    """Drop them: what they answered is answered since the revision before."""
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '10s'")
        for name, (table, _) in _TWICE.items():
            op.drop_index(name, table, postgresql_concurrently=True, if_exists=True)


def downgrade() -> None:
    """Build them again."""
    for name, (table, columns) in _TWICE.items():
        op.create_index(name, table, columns)
