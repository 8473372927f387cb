"""Alembic's entry point: runs revisions on the connection that `runner` hands over, or writes them as SQL."""

from alembic import context

from todo.database import tables
from todo.features.todos import models
from todo.migrations.patience import BRIEFLY, limit_transactions

# Importing a module of tables is what registers them.
_TABLES = (tables.User, tables.IdempotencyKey, tables.ApiKeyRow, models.Todo, models.TodoChange)

context.configure(
    connection=context.config.attributes.get("connection"),
    dialect_name="postgresql",
    target_metadata=tables.Table.metadata,
    compare_server_default=True,
    transaction_per_migration=True,
)
if context.is_offline_mode():
    for setting in BRIEFLY:
        context.execute(setting.replace("SET LOCAL", "SET"))
else:
    limit_transactions(context.get_bind())
with context.begin_transaction():
    context.run_migrations()
