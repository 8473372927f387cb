"""Gives the peer tables of its own with the product's todos: python -m benchmarks.peer.prepare."""

from sqlalchemy import text
from sqlmodel import SQLModel

from benchmarks.peer.deps import engine
from benchmarks.peer.models import Todo


def main() -> None:
    """Copy what is outside the trash, as it lies, into the first schema of the search path."""
    shared = ", ".join(name for name in Todo.model_fields if name not in {"owner_id", "is_completed"})
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA peer"))
        SQLModel.metadata.create_all(connection)
        # What is copied is whole, and people in turn would fall all over an index.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("SET LOCAL maintenance_work_mem = '512MB'"))
        indexes = SQLModel.metadata.tables["todo"].indexes
        for index in indexes:
            index.drop(connection)
        connection.execute(
            text('INSERT INTO "user" (id, email, is_active) SELECT id, email, true FROM auth."user"')
        )
        connection.execute(
            text(
                f"INSERT INTO todo (owner_id, is_completed, {shared})"  # noqa: S608  # our own
                f" SELECT user_id, completed_at IS NOT NULL, {shared} FROM public.todos"
                " WHERE deleted_at IS NULL"
            )
        )
        for index in indexes:
            index.create(connection)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE) todo"))


if __name__ == "__main__":
    main()
