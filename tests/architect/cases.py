"""Designs to judge: one that is sound, and that one with something wrong, each with the rules that say so."""

from typing import Any, NamedTuple

from todo.architect.design import Access, Change, Design, Endpoint, Field, Migration
from todo.architect.design import Proofs as Proof

LIST, PATCH = "GET /api/todos/due", "PATCH /api/todos/{todo_id}/due"
_LIVE = "deleted_at IS NULL"
_COLUMN = "ADD COLUMN due_at timestamptz"
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
                    filters={"due_before": "due_at <= $2"},
                    sorts={"due_at": "due_at, id", "-due_at": "due_at DESC, id DESC"},
                    where=_LIVE, errors=_READ_ERRORS, listing=True, paged=True, mcp_tool="list_due_todos",
                ),
                Endpoint(
                    method="PATCH", path="/api/todos/{todo_id}/due", operation_id="set_due", table="todos",
                    request=[Field(name="due_at", type="timestamp", required=False, nullable=True)],
                    response=_TODO, errors=_ITEM_ERRORS, mcp_tool="set_due",
                ),
            ]
        },
        "db": {
            "changes": [
                Change(table="todos", sql=f"ALTER TABLE todos {_COLUMN}"),
                Change(
                    table="todos",
                    sql=f"CREATE INDEX ON todos (user_id, due_at, id) WHERE {_LIVE}",
                    because="the list",
                ),
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


_ADDED, _INDEXED = SOUND.db.changes


def _changes(*changes: Change, migration: Migration = "expand") -> Design:
    return _with(db=SOUND.db.model_copy(update={"changes": list(changes), "migration": migration}))


def _todos(*altered: str, migration: Migration = "expand") -> Design:
    """The sound one, with more done to its table."""
    more = [Change(table="todos", sql=f"ALTER TABLE todos {one}") for one in altered]
    return _changes(*SOUND.db.changes, *more, migration=migration)


def _index(columns: str, where: str = _LIVE) -> Change:
    return Change(table="todos", sql=f"CREATE INDEX ON todos ({columns}) WHERE {where}")


def _rules(*rules: Access) -> Design:
    return _with(auth=SOUND.auth.model_copy(update={"rules": list(rules)}))


def _asking(text: str, **answers: str) -> Design:
    return _with(request=SOUND.request.model_copy(update={"text": text, "answers": answers}))


_ON_LIST, _ON_PATCH = SOUND.auth.rules
_TIMES = """,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()"""
_REFERENCE = "FOREIGN KEY (user_id, todo_id) REFERENCES todos (user_id, id)"


def _reminders(
    *more: str,
    times: str = _TIMES,
    rule: str = " ON DELETE CASCADE",
    is_indexed: bool = True,
    policy: str = "",
    is_bound: bool = True,
) -> Design:
    """The sound one, with a new table beside it."""
    columns = "".join(f", {one}" for one in more)
    made = f"""CREATE TABLE reminders (
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    id uuid NOT NULL,
    todo_id uuid NOT NULL,
    remind_at timestamptz NOT NULL{times}{columns},
    PRIMARY KEY (user_id, id),
    {_REFERENCE}{rule})"""
    caller = "user_id = NULLIF(current_setting('app.user_id', true), '')::uuid"
    statements = [
        made,
        *(["ALTER TABLE reminders ENABLE ROW LEVEL SECURITY"] if is_bound else []),
        f"CREATE POLICY owner_only ON reminders TO todo_app USING ({caller}{policy}) WITH CHECK ({caller})",
        "GRANT SELECT, INSERT, UPDATE ON reminders TO todo_app",
        *(["CREATE INDEX ON reminders (user_id, todo_id)"] if is_indexed else []),
    ]
    return _changes(*SOUND.db.changes, *(Change(table="reminders", sql=sql) for sql in statements))


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
_GET_LIST = Endpoint(
    method="GET", path="/api/reminders", operation_id="list_reminders", table="reminders",
    response=_GET.response, sorts={"remind_at": "remind_at, id"}, errors=[401, 422, 503], listing=True,
    paged=True, mcp_tool="list_reminders",
)  # fmt: skip
_BY_TIME = "CREATE INDEX ON reminders (user_id, remind_at, id)"
_ROWS = "INSERT INTO reminders SELECT user_id, gen_random_uuid(), id, updated_at FROM todos"
_FOREIGN = {"foreign": "403"}
_ANSWERED = SOUND.request.model_copy(update={"answers": _FOREIGN})


def _reminding(*endpoints: Endpoint, **parts: Any) -> Design:
    rules = [Access(endpoint=one.name, foreign=403 if one.is_item else None) for one in endpoints]
    return _more(*endpoints, rules=rules, **{"db": _reminders().db, "request": _ANSWERED, **parts})


_RENAMING = _UPDATE.model_copy(
    update={
        "removes": ["is_completed", "completed_at"],
        "response": [Field(name="done_at", type="timestamp", nullable=True)],
    }
)
_NOTE = Field(name="note", type="string", required=False, nullable=True)


def _listing(*statements: str) -> Design:
    more = [Change(table="reminders", sql=sql) for sql in statements]
    db = _changes(*_reminders().db.changes, *more).db
    return _reminding(_GET_LIST, db=db)


_FILLED = Change(table="todos", sql="UPDATE todos SET due_at = created_at")


def _ends(sql: str) -> Design:
    return _changes(*SOUND.db.changes, Change(table="todos", sql=sql))


CASES = [
    _case("1 sound", SOUND),
    _case("2 a filter and an order without an index", _changes(_ADDED), "IDX-1"),
    _case("3 an index without the owner", _changes(_ADDED, _index("due_at, id")), "IDX-1"),
    _case("4 an index without the tie-breaker", _changes(_ADDED, _index("user_id, due_at")), "IDX-1"),
    _case(
        "5 a partial index that does not fit the query",
        _changes(_ADDED, _index("user_id, due_at, id", where="completed_at IS NULL")),
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
        _todos("ADD COLUMN effort integer NOT NULL"),
        "MIG-1",
        "MIG-2",
    ),
    _case("13 a dropped column, sold as an addition", _todos("DROP COLUMN description"), "MIG-1", "MIG-2"),
    _case("14 refusals that are not declared", _endpoint(PATCH, errors=[401, 422, 503]), "ERR-1"),
    _case(
        "15 a claim no token carries",
        _rules(_ON_LIST.model_copy(update={"claims": ["sub", "role"]}), _ON_PATCH),
        "AUTH-4",
    ),
    _case("16 a moment without time zone", _todos("ADD COLUMN seen timestamp"), "DB-2"),
    _case("17 deleting, and nobody has said what becomes of it", _reminding(_DELETE), "ASK-retention"),
    _case("18 sharing", _asking("share a todo with a team"), "ASK-sharing", undecided=("sharing",)),
    _case("18b sharing, which was decided against", _asking("share a todo with a team"), "ASK-sharing"),
    _case(
        "19 an index on a misspelt column",
        _changes(
            *SOUND.db.changes, Change(table="todos", sql="CREATE UNIQUE INDEX ON todos (user_id, due_on)")
        ),
        "DRY-1",
    ),
    _case(
        "20 a new table without times, its reference without rule or index",
        _reminders(times="", rule="", is_indexed=False),
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
                    }
                ),
                "db": _todos("RENAME COLUMN completed_at TO done_at", migration="contract").db,
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
        _reminding(
            _POST.model_copy(update={"request": [*_POST.request, _NOTE]}), db=_reminders("note text").db
        ),
        "API-3",
    ),
    _case(
        "a member that is taken away",
        _more(_UPDATE, rules=[]),
        "API-4",
    ),
    _case(
        "what is taken today is refused",
        _more(
            _UPDATE.model_copy(
                update={
                    "removes": [],
                    "request": [
                        Field(name="title", type="string", required=False, max_length=100),
                        Field(name="priority", type="string", required=False, values=["low", "high"]),
                    ],
                }
            ),
            rules=[],
        ),
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
    _case("a moment that is not called one", _todos("ADD COLUMN noticed timestamptz"), "NAME-1"),
    _case(
        "a table that is not there",
        _endpoint(LIST, table="todo").model_copy(update={"db": _changes(_ADDED).db}),
        "MAP-0",
    ),
    _case(
        "null goes in and never comes out",
        _endpoint(PATCH, response=[*_TODO[:2], Field(name="due_at", type="timestamp")]),
        "MAP-5",
    ),
    _case("a table without times", _reminders(times=""), "DB-1"),
    _case(
        "a reference without a rule",
        _reminders(rule=""),
        "DB-3",
    ),
    _case(
        "an index nobody needs",
        _changes(*SOUND.db.changes, _index("user_id, title")),
        "DB-4",
    ),
    _case("a reference without an index", _reminders(is_indexed=False), "IDX-2"),
    _case(
        "an order that walks what it does not show",
        _endpoint(LIST, where=f"{_LIVE} AND version = 77"),
        "IDX-3",
    ),
    _case("an addition sold as nothing", _todos(migration="none"), "MIG-1"),
    _case(
        "a column dropped in the open",
        _todos("DROP COLUMN description", migration="contract"),
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
        "a new table whose policy is not in force",
        _reminding(_GET, db=_reminders(is_bound=False).db),
        "AUTH-3",
    ),
    _case(
        "a new table whose policy shows more",
        _reminding(_GET, db=_reminders(policy=" OR remind_at < now()").db),
        "AUTH-3",
    ),
    _case("a new table that is listed", _listing(_BY_TIME, _ROWS)),
    _case("a new table that is listed without an index", _listing(_ROWS), "IDX-1"),
    _case("a new table that is listed, and no rows to plan on", _listing(_BY_TIME), "DRY-1", "DB-4"),
    _case(
        "rows that change on the way to an index",
        _changes(_ADDED, _FILLED, _INDEXED, migration="transform"),
        "MIG-2",
    ),
    _case("two statements in the place of one", _todos("ADD COLUMN effort text; DROP TABLE todos"), "DRY-1"),
    _case("the end of the transaction", _ends("COMMIT"), "DRY-1"),
    _case("the end of the transaction, behind a remark", _ends("/* */ COMMIT"), "DRY-1"),
    _case("another role", _ends("SET ROLE postgres"), "DRY-1"),
    _case(
        "another role, by a function",
        _todos("ADD COLUMN x text DEFAULT set_config('role', 'postgres', false)"),
        "DRY-1",
    ),
    _case("a file of the server", _todos("ADD COLUMN x text DEFAULT pg_read_file('PG_VERSION')"), "DRY-1"),
    _case("more than a condition", _endpoint(LIST, where="true); DROP TABLE todos; --"), "DRY-1", "DB-4"),
]
REJECTED = next(case.design for case in CASES if case.name.startswith("4 "))
