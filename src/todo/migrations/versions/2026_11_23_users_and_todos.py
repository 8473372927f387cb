"""users and todos, each row seen by its owner alone."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_CALLER = "NULLIF(current_setting('app.user_id', true), '')::uuid"


def upgrade() -> None:
    """Create the tables, bind the application's role to rows of the caller, and let it tell 403 from 404."""
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("change_seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
    )
    op.create_table(
        "todos",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("priority", sa.Text(), server_default="medium", nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.Column(
            "priority_rank",
            sa.SmallInteger(),
            sa.Computed(
                "CASE priority WHEN 'low'::text THEN 1 WHEN 'medium'::text THEN 2 "
                "WHEN 'high'::text THEN 3 WHEN 'urgent'::text THEN 4 ELSE NULL::integer END",
                persisted=True,
            ),
        ),
        sa.Column("title_key", sa.Text(collation="C"), sa.Computed("lower(title)", persisted=True)),
        sa.PrimaryKeyConstraint("user_id", "id", name="pk_todos"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_todos_user_id_users", ondelete="CASCADE"),
        sa.UniqueConstraint("user_id", "change_seq", name="uq_todos_user_id_change_seq"),
        sa.CheckConstraint(
            "char_length(title) BETWEEN 1 AND 200 AND btrim(title, E' \\t\\n\\r\\f\\v') <> ''", name="title"
        ),
        sa.CheckConstraint("char_length(description) <= 1000", name="description"),
        sa.CheckConstraint("priority IN ('low', 'medium', 'high', 'urgent')", name="priority"),
        sa.CheckConstraint("version >= 1", name="version"),
    )
    for column in ("created_at", "updated_at", "priority_rank", "title_key"):
        op.create_index(
            f"ix_todos_user_id_{column}_id",
            "todos",
            ["user_id", column, "id"],
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
    op.create_index(
        "ix_todos_trash",
        "todos",
        ["user_id", "created_at", "id"],
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_todos_owner",
        "todos",
        [sa.text("(ARRAY[user_id, id])")],
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )

    for table, owner in (("users", "id"), ("todos", "user_id")):
        # Enabled, not forced: the owner must be able to dump everything, and shards to move.
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY owner_only ON {table} TO todo_app "
            f"USING ({owner} = {_CALLER}) WITH CHECK ({owner} = {_CALLER})"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO todo_app")
    op.execute("GRANT SELECT ON alembic_version TO todo_app")

    # Says that an id is taken and nothing else, so that the service can tell 403 from 404.
    op.execute(
        """
        CREATE FUNCTION todo_exists(wanted uuid) RETURNS boolean
            LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
            AS 'SELECT EXISTS (
                SELECT FROM public.todos WHERE ARRAY[user_id, id] @> ARRAY[wanted] AND id = wanted
            )'
        """
    )
    op.execute("REVOKE ALL ON FUNCTION todo_exists(uuid) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION todo_exists(uuid) TO todo_app")


def downgrade() -> None:
    """Drop everything."""
    op.execute("DROP FUNCTION todo_exists(uuid)")
    op.drop_table("todos")
    op.drop_table("users")
    op.execute("REVOKE SELECT ON alembic_version FROM todo_app")
