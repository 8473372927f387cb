"""What the queries on todos are made of."""

from sqlalchemy import ARRAY, bindparam, column, func
from sqlalchemy.dialects import postgresql

from todo.database.tables import Table, User
from todo.features.todos.models import Todo, TodoChange

TODO = Table.metadata.tables[str(Todo.__tablename__)].c
USER = Table.metadata.tables[str(User.__tablename__)].c

CHANGE = Table.metadata.tables[str(TodoChange.__tablename__)].c

# What all changes of a transaction have in common.
SOURCE = tuple(
    bindparam(column.key, type_=column.type)
    for column in (CHANGE.client, CHANGE.client_name, CHANGE.tool, CHANGE.reason)
)
PROVENANCE = (bindparam(CHANGE.action.key, type_=CHANGE.action.type), *SOURCE)

STORED = (
    TODO.user_id,
    TODO.id,
    TODO.title,
    TODO.description,
    TODO.priority,
    TODO.completed_at,
    TODO.created_at,
    TODO.updated_at,
    TODO.deleted_at,
    TODO.version,
    TODO.change_seq,
)
SHOWN = (*STORED, TODO.completed_at.is_not(None).label("is_completed"))

IDS = ARRAY(postgresql.UUID())
ASKED = (
    func.unnest(bindparam("ids", type_=IDS))
    .table_valued(column("id", postgresql.UUID()))
    .render_derived(name="asked")
)
IS_MINE = TODO.user_id == bindparam("user_id")
