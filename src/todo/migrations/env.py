"""Alembic's entry point: runs revisions on the connection that `runner` hands over."""

from alembic import context

from todo.database import tables
from todo.features.todos import models

# Importing a module of tables is what registers them.
_TABLES = (tables.User, tables.IdempotencyKey, tables.ApiKeyRow, models.Todo, models.TodoChange)

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.Table.metadata,
    compare_server_default=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
