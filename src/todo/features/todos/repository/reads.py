"""Reading todos by their ids, and the feed of their changes."""

from sqlalchemy import any_, bindparam, func, select, true
from sqlalchemy.dialects import postgresql

from todo.database.statements import Statement
from todo.features.todos.repository.columns import ASKED, CHANGE, IDS, IS_MINE, SHOWN, STORED, TODO, USER
from todo.features.todos.repository.documents import DOCUMENT

GET = Statement(select(*STORED).where(IS_MINE, TODO.id == bindparam("id")))
SHOW = Statement(
    select(DOCUMENT, TODO.version).where(IS_MINE, TODO.id == bindparam("id"), TODO.deleted_at.is_(None))
)
# Its own in the trash, or under an id that anybody has.
ABSENT = Statement(
    select(
        select(TODO.id).where(IS_MINE, TODO.id == bindparam("id")).exists().label("is_mine"),
        func.todo_exists(bindparam("id", type_=postgresql.UUID())).label("is_anybodys"),
    )
)
GET_MANY = Statement(select(*STORED).where(IS_MINE, TODO.id == any_(bindparam("ids", type_=IDS))))
# One by one: for many at once, reading all of a person's todos may look cheaper than it is.
_PLACE = select(TODO.change_seq).where(IS_MINE, TODO.id == ASKED.c.id).limit(1).lateral("place")
PLACES = Statement(select(ASKED.c.id, _PLACE.c.change_seq).select_from(ASKED.join(_PLACE, true())))
ALL = Statement(select(*SHOWN).where(IS_MINE).order_by(TODO.id))
ANYBODYS = Statement(select(ASKED.c.id).where(func.todo_exists(ASKED.c.id)).select_from(ASKED))
LAST_CHANGE = Statement(select(USER.change_seq.label("seq")).where(USER.id == bindparam("user_id")))
CHANGES = Statement(
    select(CHANGE.seq, CHANGE.kind, CHANGE.todo_id.label("id"), CHANGE.todo, CHANGE.at)
    .where(CHANGE.user_id == bindparam("user_id"), CHANGE.seq > bindparam("since"))
    .order_by(CHANGE.seq)
    .limit(bindparam("limit"))
)
