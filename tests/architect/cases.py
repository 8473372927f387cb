"""Designs to judge: one that is sound, and that one with something wrong, each with the rules that say so."""

from typing import Any, NamedTuple

from todo.architect.design import (
    Access,
    Column,
    Condition,
    Design,
    Endpoint,
    Field,
    Filter,
    ForeignKey,
    Index,
    Migration,
    Sort,
    Table,
)
from todo.architect.design import Proofs as Proof

LIST, PATCH = "GET /api/todos/due", "PATCH /api/todos/{todo_id}/due"
_LIVE = Condition(column="deleted_at", op="is_null")
_TODO = [
    Field(name="id", type="uuid"),
    Field(name="title", type="string", max_length=200),
    Field(name="due_at", type="timestamp", nullable=True),
]
_READ_ERRORS, _ITEM_ERRORS = [401, 422, 500, 503], [401, 403, 404, 412, 422, 500, 503]


def _proof(endpoint: str) -> Proof:
    return Proof(
        endpoint=endpoint,
        unit=["test_a_due_date_may_be_cleared"],
        integration=["test_due_todos_come_by_date"],
        edge=["test_equal_due_dates_keep_their_order"],
    )


SOUND = Design.model_validate(
    {
        "request": {"slug": "due-dates", "text": "due dates for todos"},
        "api": {
            "endpoints": [
                Endpoint(
                    method="GET", path="/api/todos/due", operation_id="list_due_todos", table="todos",
                    request=[Field(name="due_before", type="timestamp", required=False)], response=_TODO,
                    filters=[Filter(name="due_before", column="due_at", op="lte")],
                    sorts=[
                        Sort(name="due_at", column="due_at"),
                        Sort(name="-due_at", column="due_at", descending=True),
                    ],
                    where=[_LIVE], errors=_READ_ERRORS, listing=True, paged=True, mcp_tool="list_due_todos",
                ),
                Endpoint(
                    method="PATCH", path="/api/todos/{todo_id}/due", operation_id="set_due", table="todos",
                    request=[Field(name="due_at", type="timestamp", required=False, nullable=True)],
                    response=_TODO, errors=_ITEM_ERRORS, mcp_tool="set_due",
                ),
            ]
        },
        "db": {
            "tables": [
                Table(
                    name="todos",
                    columns=[Column(name="due_at", type="timestamptz")],
                    indexes=[Index(columns=["user_id", "due_at", "id"], where=[_LIVE], rationale="the list")],
                )
            ],
            "migration": "expand",
        },
        "auth": {"rules": [Access(endpoint=LIST), Access(endpoint=PATCH, foreign=403)]},
        "tests": [_proof(LIST), _proof(PATCH)],
    }
)  # fmt: skip


class Planted(NamedTuple):
    """A design, and exactly the rules that have something to say about it."""

    name: str
    design: Design
    expected: frozenset[str]
    # Questions that nobody has answered yet.
    open: tuple[str, ...] = ()


def _with(**parts: Any) -> Design:
    return SOUND.model_copy(update=parts)


def _endpoint(name: str, **parts: Any) -> Design:
    endpoints = [one.model_copy(update=parts) if one.name == name else one for one in SOUND.api.endpoints]
    return _with(api=SOUND.api.model_copy(update={"endpoints": endpoints}))


def _more(*endpoints: Endpoint, rules: list[Access], **parts: Any) -> Design:
    return _with(
        api=SOUND.api.model_copy(update={"endpoints": [*SOUND.api.endpoints, *endpoints]}),
        auth=SOUND.auth.model_copy(update={"rules": [*SOUND.auth.rules, *rules]}),
        tests=[*SOUND.tests, *(_proof(one.name) for one in endpoints)],
        **parts,
    )


def _table(**parts: Any) -> Design:
    return _tables(SOUND.db.tables[0].model_copy(update=parts))


def _tables(*tables: Table, migration: str = "expand") -> Design:
    return _with(db=SOUND.db.model_copy(update={"tables": list(tables), "migration": Migration(migration)}))


def _index(*columns: str, **parts: Any) -> Design:
    return _table(indexes=[Index(columns=list(columns), where=parts.get("where", [_LIVE]))])


def _columns(*columns: Column) -> Design:
    return _table(columns=[*SOUND.db.tables[0].columns, *columns])


def _rules(*rules: Access) -> Design:
    return _with(auth=SOUND.auth.model_copy(update={"rules": list(rules)}))


def _asking(text: str, **answers: str) -> Design:
    return _with(request=SOUND.request.model_copy(update={"text": text, "answers": answers}))


_ON_LIST, _ON_PATCH = SOUND.auth.rules
_REMINDERS = Table(
    name="reminders", owner="user_id", primary_key=["user_id", "id"],
    columns=[
        Column(name="user_id", type="uuid", nullable=False),
        Column(name="id", type="uuid", nullable=False),
        Column(name="todo_id", type="uuid", nullable=False),
        Column(name="remind_at", type="timestamptz", nullable=False),
        Column(name="created_at", type="timestamptz", nullable=False, default="now()"),
        Column(name="updated_at", type="timestamptz", nullable=False, default="now()"),
    ],
    foreign_keys=[
        ForeignKey(columns=["user_id"], table="users", references=["id"], on_delete="CASCADE"),
        ForeignKey(
            columns=["user_id", "todo_id"], table="todos", references=["user_id", "id"], on_delete="CASCADE"
        ),
    ],
    indexes=[Index(columns=["user_id", "todo_id"], rationale="the reference")],
)  # fmt: skip


def _reminders(**parts: Any) -> Design:
    return _tables(*SOUND.db.tables, _REMINDERS.model_copy(update=parts))


def _without(*names: str) -> list[Column]:
    return [column for column in _REMINDERS.columns if column.name not in names]


_DELETE = Endpoint(
    method="DELETE", path="/api/reminders/{reminder_id}", operation_id="delete_reminder", table="reminders",
    success=[204], errors=[401, 403, 404, 422, 503], mcp_tool="delete_reminder",
)  # fmt: skip
_UPDATE = Endpoint(
    method="PATCH", path="/api/todos/{todo_id}", operation_id="update_todo", table="todos",
    errors=[], removes=["is_completed"],
)  # fmt: skip


def _case(name: str, design: Design, *expected: str, undecided: tuple[str, ...] = ()) -> Planted:
    return Planted(name, design, frozenset(expected), undecided)


def _renamed(old: str, new: str) -> list[Field]:
    return [one.model_copy(update={"name": new}) if one.name == old else one for one in _TODO]


_GET = Endpoint(
    method="GET", path="/api/reminders/{reminder_id}", operation_id="get_reminder", table="reminders",
    response=[Field(name="id", type="uuid"), Field(name="remind_at", type="timestamp")],
    errors=[401, 403, 404, 422, 503], mcp_tool="get_reminder",
)  # fmt: skip
_POST = Endpoint(
    method="POST", path="/api/reminders", operation_id="create_reminder", table="reminders",
    request=[Field(name="todo_id", type="uuid"), Field(name="remind_at", type="timestamp")],
    response=_GET.response, success=[201], errors=[401, 422, 503], mcp_tool="create_reminder",
)  # fmt: skip
_FOREIGN = {"foreign": "403"}
_ANSWERED = SOUND.request.model_copy(update={"answers": _FOREIGN})


def _reminding(*endpoints: Endpoint, **parts: Any) -> Design:
    rules = [Access(endpoint=one.name, foreign=403 if one.is_item else None) for one in endpoints]
    return _more(*endpoints, rules=rules, **{"db": _reminders().db, "request": _ANSWERED, **parts})


_RENAMING = _UPDATE.model_copy(
    update={"removes": [], "response": [Field(name="done_at", type="timestamp", nullable=True)]}
)
_NOTE = Field(name="note", type="string", required=False, nullable=True)


def _with_note(max_length: int | None) -> Design:
    note = Column(name="note", type="text", max_length=max_length)
    return _reminders(columns=[*_REMINDERS.columns, note])


CASES = [
    _case("1 sound", SOUND),
    _case("2 a filter and an order without an index", _table(indexes=[]), "IDX-1"),
    _case("3 an index without the owner", _index("due_at", "id"), "IDX-1"),
    _case("4 an index without the tie-breaker", _index("user_id", "due_at"), "IDX-1"),
    _case(
        "5 a partial index that does not fit the query",
        _index("user_id", "due_at", "id", where=[Condition(column="completed_at", op="is_null")]),
        "IDX-1",
    ),
    _case("6 an endpoint without a rule of access", _rules(_ON_LIST), "AUTH-1"),
    _case(
        "7 an endpoint without ownership",
        _rules(_ON_LIST.model_copy(update={"ownership": False}), _ON_PATCH),
        "AUTH-3",
    ),
    _case(
        "8 a member without a column",
        _endpoint(LIST, response=[*_TODO, Field(name="reminder", type="string")]),
        "MAP-1",
    ),
    _case(
        "9 a string where the column is a moment",
        _endpoint(
            PATCH, request=[Field(name="due_at", type="string", required=False, nullable=True, max_length=40)]
        ),
        "MAP-2",
    ),
    _case(
        "10 the client may set the owner",
        _endpoint(
            PATCH,
            request=[Field(name="user_id", type="uuid", required=False)],
            response=[*_TODO, Field(name="user_id", type="uuid")],
        ),
        "MAP-4",
    ),
    _case(
        "11 more characters than the column takes",
        _endpoint(PATCH, request=[Field(name="title", type="string", required=False, max_length=500)]),
        "MAP-3",
    ),
    _case(
        "12 a column that must be there and has no default, sold as an addition",
        _columns(Column(name="effort", type="integer", nullable=False)),
        "MIG-1",
        "MIG-2",
    ),
    _case("13 a dropped column, sold as an addition", _table(drop=["description"]), "MIG-1", "MIG-2"),
    _case("14 refusals that are not declared", _endpoint(PATCH, errors=[401, 422, 503]), "ERR-1"),
    _case(
        "15 a claim no token carries",
        _rules(_ON_LIST.model_copy(update={"claims": ["sub", "role"]}), _ON_PATCH),
        "AUTH-4",
    ),
    _case("16 a moment without time zone", _columns(Column(name="seen", type="timestamp")), "DB-2"),
    _case("17 deleting, and nobody has said what becomes of it", _reminding(_DELETE), "ASK-retention"),
    _case("18 sharing", _asking("share a todo with a team"), "ASK-sharing", undecided=("sharing",)),
    _case("18b sharing, which was decided against", _asking("share a todo with a team"), "ASK-sharing"),
    _case(
        "19 an index on a misspelt column",
        _table(indexes=[*SOUND.db.tables[0].indexes, Index(columns=["user_id", "due_on"], unique=True)]),
        "DRY-1",
    ),
    _case(
        "20 a new table without times, its reference without rule or index",
        _reminders(
            columns=_without("created_at", "updated_at"),
            foreign_keys=[
                _REMINDERS.foreign_keys[0],
                _REMINDERS.foreign_keys[1].model_copy(update={"on_delete": None}),
            ],
            indexes=[],
        ),
        "DB-1",
        "DB-3",
        "IDX-2",
    ),
    _case(
        "21 a number where ids are UUIDs",
        _endpoint(LIST, response=[*_TODO, Field(name="user_id", type="integer")]),
        "MAP-2",
    ),
    _case(
        "23 soft or hard, as the requirements say",
        _more(
            _DELETE.model_copy(
                update={"path": "/api/todos/{todo_id}/due", "table": "todos", "operation_id": "clear_due"}
            ),
            rules=[Access(endpoint="DELETE /api/todos/{todo_id}/due", foreign=403)],
        ),
        "ASK-retention",
        undecided=("deletion",),
    ),
    _case("24 403 or 404, and nobody has said which", SOUND, "ASK-foreign", undecided=("foreign",)),
    _case("24b 404 where 403 is decided", _rules(_ON_LIST, Access(endpoint=PATCH, foreign=404)), "AUTH-3"),
    _case("25 fast", _asking("make it fast for thousands of todos"), "ASK-volume", undecided=("volume",)),
    _case("25b fast, in numbers", _asking("make it fast: 100,000 todos, 50 ms"), undecided=("volume",)),
    _case(
        "26 a member and its column renamed",
        SOUND.model_copy(
            update={
                "api": SOUND.api.model_copy(
                    update={
                        "endpoints": [*SOUND.api.endpoints, _RENAMING],
                        "renames": {"is_completed": "is_done", "completed_at": "done_at"},
                    }
                ),
                "db": _tables(
                    SOUND.db.tables[0].model_copy(update={"rename": {"completed_at": "done_at"}}),
                    migration="contract",
                ).db,
                "tests": [*SOUND.tests, _proof("PATCH /api/todos/{todo_id}")],
            }
        ),
        "API-4",
        "MIG-2",
    ),
    # What is left: for each rule something that it alone finds.
    _case(
        "a new thing is answered with 200",
        _reminding(_POST.model_copy(update={"success": [200]}), _GET),
        "API-1",
    ),
    _case("a new thing is answered with 201", _reminding(_POST, _GET)),
    _case("a list without pages", _endpoint(LIST, paged=False), "API-2"),
    _case(
        "a text of any length",
        _reminding(_POST.model_copy(update={"request": [*_POST.request, _NOTE]}), db=_with_note(None).db),
        "API-3",
    ),
    _case(
        "a member that is taken away",
        _more(_UPDATE, rules=[]),
        "API-4",
    ),
    _case(
        "a change that must name everything",
        _endpoint(PATCH, request=[Field(name="due_at", type="timestamp", nullable=True)]),
        "API-5",
    ),
    _case(
        "a name in another style",
        _endpoint(LIST, response=[*_TODO, Field(name="dueSoon", type="boolean", computed="within a day")]),
        "NAME-1",
    ),
    _case(
        "a table that is not there",
        _endpoint(LIST, table="todo", filters=[], sorts=[], where=[]).model_copy(
            update={"db": _table(indexes=[]).db}
        ),
        "MAP-0",
    ),
    _case(
        "null goes in and never comes out",
        _endpoint(PATCH, response=[*_TODO[:2], Field(name="due_at", type="timestamp")]),
        "MAP-5",
    ),
    _case("a table without times", _reminders(columns=_without("created_at")), "DB-1"),
    _case(
        "a reference without a rule",
        _reminders(
            foreign_keys=[
                _REMINDERS.foreign_keys[0],
                _REMINDERS.foreign_keys[1].model_copy(update={"on_delete": None}),
            ]
        ),
        "DB-3",
    ),
    _case(
        "an index nobody needs",
        _table(indexes=[*SOUND.db.tables[0].indexes, Index(columns=["user_id", "title"])]),
        "DB-4",
    ),
    _case("a reference without an index", _reminders(indexes=[]), "IDX-2"),
    _case(
        "an order that walks what it does not show",
        _endpoint(LIST, where=[_LIVE, Condition(column="version", op="eq", value="77")]),
        "IDX-3",
    ),
    _case("an addition sold as nothing", _tables(*SOUND.db.tables, migration="none"), "MIG-1"),
    _case(
        "a column dropped in the open",
        _tables(SOUND.db.tables[0].model_copy(update={"drop": ["description"]}), migration="contract"),
        "MIG-2",
    ),
    _case(
        "a list for everybody",
        _rules(Access(endpoint=LIST, level="public", ownership=False), _ON_PATCH),
        "AUTH-2",
    ),
    _case(
        "a secret that leaves",
        _endpoint(LIST, response=[*_TODO, Field(name="share_token", type="string", computed="signed")]),
        "AUTH-5",
    ),
    _case("an operation agents do not get, without a reason", _endpoint(LIST, mcp_tool=None), "MCP-1"),
    _case("an endpoint without tests", _with(tests=SOUND.tests[:1]), "TEST-1"),
    _case("finished things", _asking("show archived todos"), "ASK-visibility", undecided=("visibility",)),
    _case("one more part to run", _asking("send a reminder through a queue"), "ASK-tradeoff"),
    _case(
        "SQL in the place of a value",
        _columns(Column(name="effort", type="text", default="'); DROP TABLE todos; --")),
    ),
    _case(
        "SQL in the place of a type",
        _columns(Column(name="effort", type="text; DROP TABLE todos")),
        "DRY-1",
        "IDX-1",
    ),
]
REJECTED = next(case.design for case in CASES if case.name.startswith("4 "))
