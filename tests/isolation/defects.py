"""What can be wrong: texts of the source, and what stands there instead."""

from typing import NamedTuple

from tests.isolation.copies import Change

_READS = "features/todos/repository/reads.py"
_WRITES = "features/todos/repository/writes.py"
_STROKES = "features/todos/repository/strokes.py"
_PAGES = "features/todos/repository/pages.py"
_SEARCH = "features/todos/repository/search.py"
_COLUMNS = "features/todos/repository/columns.py"
_SERVICE = "features/todos/service.py"
_RULES = "features/todos/rules.py"
_MODELS = "features/todos/models.py"
_KEYS = "database/idempotency.py"
_ACTIVITY = "features/activity/repository.py"
_UNDO = "features/activity/service.py"
_UNDO_RULES = "features/activity/rules.py"


class Defect(NamedTuple):
    """What is changed in the copy."""

    name: str
    changes: tuple[Change, ...] = ()


def _defect(name: str, file: str, old: str, new: str) -> Defect:
    return Defect(name, (Change(file, old, new),))


NO_DEFECT = Defect("nothing")

_GET = Change(
    _READS,
    "GET = Statement(select(*STORED).where(IS_MINE,",
    "GET = Statement(select(*STORED).where(",
)
_SAVE = Change(_WRITES, '(IS_MINE, TODO.id == bindparam("todo_id"))', '(TODO.id == bindparam("todo_id"))')
_STROKE_SAVE = Change(_STROKES, ".where(*_IS_IT)\n", ".where(TODO.id == _ID)\n")
_STROKE = (
    Change(_STROKES, "(TODO.user_id == _OWNER, TODO.id == _ID)", "(TODO.id == _ID,)"),
    Change(_STROKES, ".join(Todo, TODO.user_id == USER.id)", ".join(Todo, true())"),
    Change(_STROKES, "_IS_ME, USER.id == old.c.user_id, ", "_IS_ME, old.c.user_id.is_not(None), "),
)
_LAST = Change(
    _READS,
    'select(USER.change_seq.label("seq")).where(USER.id == bindparam("user_id"))',
    'select(USER.change_seq.label("seq"))',
)
_LIST = 'TODO.user_id == bind("user_id", postgresql.UUID()), *_STATUS[status]'
_PRIORITIES = 'query = query.where(TODO.priority == any_(bind("priorities", ARRAY(Text))))'
_PRIORITIES_LOOSE = """wanted = TODO.priority == any_(bind("priorities", ARRAY(Text)))
        query._where_criteria = (query.whereclause | wanted,)"""
_LOOKING = Change(_SEARCH, "WHERE user_id = :user_id AND change_seq > :after", "WHERE change_seq > :after")
_INDEX = Change(_SEARCH, "WHERE user_id = reach.id AND word >= ", "WHERE word >= ")
_CHANGED = Change(_SEARCH, "WHERE user_id = :user_id AND change_seq > reach.", "WHERE change_seq > reach.")

# A query that forgets whose rows it is about.
ONE_FILTER_LESS = (
    _defect(
        "no owner in viewing",
        _READS,
        "select(DOCUMENT, TODO.version).where(IS_MINE,",
        "select(DOCUMENT, TODO.version).where(",
    ),
    Defect("no owner in fetching what is to be changed", (_GET,)),
    Defect("no owner in storing what was changed", (_SAVE, _STROKE_SAVE)),
    Defect("no owner in update, complete, reopen, delete and restore", (_GET, _SAVE)),
    Defect("no owner in doing so at a stroke", _STROKE),
    _defect(
        "no owner in fetching what a batch names",
        _READS,
        "GET_MANY = Statement(select(*STORED).where(IS_MINE,",
        "GET_MANY = Statement(select(*STORED).where(",
    ),
    _defect("no owner in storing a batch", _WRITES, ".where(TODO.user_id == last.c.user_id, ", ".where("),
    _defect("no owner in list and total", _PAGES, _LIST, "*_STATUS[status]"),
    Defect("no owner in searching", (_CHANGED,)),
    _defect("no owner in the changes", _READS, 'CHANGE.user_id == bindparam("user_id"), ', ""),
    Defect("no owner in the last change", (_LAST,)),
    _defect("no owner in activity", _ACTIVITY, "_CHANGE.todo).where(_IS_MINE, ", "_CHANGE.todo).where("),
    _defect(
        "no owner in kept answers",
        _KEYS,
        '_IS_MINE, _KEY.key == bindparam("key")',
        '_KEY.key == bindparam("key")',
    ),
)

# Here the other filters are forgotten as well, so it shows even while policies keep people apart.
HALF_A_FILTER = _defect("no owner in half of the list: A and B or C", _PAGES, _PRIORITIES, _PRIORITIES_LOOSE)

# All at once: then row-level security alone keeps people apart.
NO_FILTERS = Defect(
    "no owner anywhere",
    (
        Change(_COLUMNS, 'IS_MINE = TODO.user_id == bindparam("user_id")', "IS_MINE = TODO.id.is_not(None)"),
        Change(_PAGES, _LIST, "*_STATUS[status]"),
        Change(_WRITES, "TODO.user_id == last.c.user_id, ", ""),
        *_STROKE,
        Change(_READS, 'CHANGE.user_id == bindparam("user_id"), ', ""),
        _LOOKING,
        _INDEX,
        _LAST,
        Change(_ACTIVITY, '_IS_MINE = _CHANGE.user_id == bindparam("user_id")', "_IS_MINE = _CHANGE.seq > 0"),
        Change(_ACTIVITY, '_other.c.user_id == bindparam("user_id")', "_other.c.seq > 0"),
        Change(_KEYS, '_IS_MINE = _KEY.user_id == bindparam("user_id")', '_IS_MINE = _KEY.key != ""'),
    ),
)

# What no policy makes up for: the caller is mistaken for another, or a rule is broken among one's own.
BESIDE_POLICIES = (
    _defect(
        "tokens known by their beginning",
        "auth/tokens.py",
        "return self._caller(claims)",
        'return self.__dict__.setdefault("_known", {}).setdefault(token[:40], self._caller(claims))',
    ),
    _defect(
        "agents stay who they were first",
        "transport/mcp_call.py",
        "return _caller.get()",
        'return self.__dict__.setdefault("_first", _caller.get())',
    ),
    _defect(
        "cursors and tokens of everybody",
        "transport/paging.py",
        "what = self._user_id.bytes + ",
        "what = ",
    ),
    _defect(
        "cursors of any list", "transport/paging.py", "len(asked).to_bytes(4) + asked + payload", "payload"
    ),
    _defect(
        "change tokens unchecked",
        _SERVICE,
        'self._cursors.read(token, _CHANGES, name="since")',
        '__import__("base64").urlsafe_b64decode(token + "=" * (-len(token) % 4))[16:]',
    ),
    _defect(
        "keys for any request", "transport/idempotency.py", "if kept.fingerprint != fingerprint:", "if False:"
    ),
    _defect("keys without effect", "transport/idempotency.py", "if kept is not None:", "if False:"),
    _defect(
        "403 told as 404",
        _RULES,
        "TodoNotOwned() if todo_id in anybodys else TodoNotFound()",
        "TodoNotFound()",
    ),
    _defect(
        "404 told as 403",
        _RULES,
        "TodoNotOwned() if todo_id in anybodys else TodoNotFound()",
        "TodoNotOwned()",
    ),
    _defect(
        "a trash that can be changed",
        _RULES,
        "todo.deleted_at is not None and not self.reaches_trash",
        "False",
    ),
    _defect(
        "If-Match without effect", _RULES, "versions is not None and todo.version not in versions", "False"
    ),
    _defect("a trash that can be changed at a stroke", _STROKES, "if not in_trash:", "if False:"),
    _defect("If-Match without effect at a stroke", _STROKES, "if is_versioned:", "if False:"),
    _defect(
        "completing twice moves the time",
        _MODELS,
        "if value != getattr(self, name)}",
        'if name == "is_completed" or value != getattr(self, name)}',
    ),
    _defect(
        "a refused batch leaves a gap in what is told",
        _SERVICE,
        "if batch.atomic:\n                    problem.errors",
        "if batch.atomic and not results:\n                    problem.errors",
    ),
    _defect(
        "pages that repeat their last todo",
        _PAGES,
        "key < last if is_descending else key > last",
        "key <= last if is_descending else key >= last",
    ),
    _defect("agents undo what others did", _UNDO, "if self._bound_to not in {None, client}:", "if False:"),
    _defect(
        "changes that leave the first out",
        _READS,
        'CHANGE.seq > bindparam("since")',
        'CHANGE.seq > bindparam("since") + 1',
    ),
)

_NUMBERS = """
    postgresql.insert(User)
    .values(id=bindparam("user_id"), change_seq=_COUNT, counted_seq=_COUNT)
    .on_conflict_do_update(index_elements=["id"], set_=_COUNTED_ON)
    .returning(*_AS_CHANGE)
"""
_NUMBERS_OF_A_CLOCK = """
    select(
        ((func.extract("epoch", func.clock_timestamp()) * 1000000).cast(BigInteger) + _COUNT).label("seq"),
        func.clock_timestamp().label("at"),
        func.abs(0).label("todo_count"),
        true().label("is_counted"),
    ).add_cte(
        postgresql.insert(User)
        .values(id=bindparam("user_id"), change_seq=0)
        .on_conflict_do_nothing()
        .cte("known")
    )
"""

# What one request after the other does not show; each with the tests that do.
BY_TESTS = (
    (
        _defect("change numbers without the lock", _WRITES, _NUMBERS, _NUMBERS_OF_A_CLOCK),
        ("tests/features/todos/test_changes.py", "-k=misses_nothing"),
    ),
    (
        _defect(
            "strokes that do not lock what they read",
            _STROKES,
            "old.with_for_update(of=[User, Todo], key_share=True)",
            "old",
        ),
        ("tests/features/todos/test_strokes.py", "-k=version_they_saw"),
    ),
    (
        _defect(
            "strokes that do again what is done",
            _STROKES,
            "lambda row: row[column].is_(None)",
            "lambda _row: true()",
        ),
        ("tests/features/todos/test_strokes.py", "-k=come_to"),
    ),
    (
        _defect("strokes that do not count", _STROKES, "if not _COUNTED_BY & ", "if not set() & "),
        ("tests/features/todos/test_counts.py", "-k=every_total"),
    ),
    (
        _defect("strokes beyond the quota", _STROKES, "IS_CURRENT, has_room", "IS_CURRENT"),
        ("tests/features/todos/test_quota.py",),
    ),
    (
        _defect(
            "strokes for a person who does not count",
            _STROKES,
            "STANDING.c.lasts, IS_CURRENT, has_room",
            "STANDING.c.lasts, has_room",
        ),
        ("tests/features/todos/test_counts.py", "-k=noticed"),
    ),
    (
        _defect(
            "strokes of who has signed out",
            _STROKES,
            "_IS_ME, STANDING.c.lasts, IS_CURRENT, has_room",
            "_IS_ME, IS_CURRENT, has_room",
        ),
        ("tests/features/todos/test_strokes.py", "-k=ended"),
    ),
    (
        _defect(
            "batches at a stroke of who has signed out",
            _STROKES,
            "STANDING.c.lasts, IS_CURRENT, USER.todo_count",
            "IS_CURRENT, USER.todo_count",
        ),
        ("tests/features/todos/test_strokes.py", "-k=ended"),
    ),
    (
        _defect(
            "changes at a stroke of who has signed out",
            _STROKES,
            "_IS_ME & STANDING.c.lasts",
            "_IS_ME",
        ),
        ("tests/features/todos/test_strokes.py", "-k=ended"),
    ),
    (
        _defect("batches at a stroke beyond the quota", _STROKES, " <= _ROOM", " <= _ROOM + count"),
        ("tests/features/todos/test_quota.py",),
    ),
    (
        _defect(
            "batches at a stroke for a person who does not count",
            _STROKES,
            "IS_CURRENT, USER.todo_count + count",
            "USER.todo_count + count",
        ),
        ("tests/features/todos/test_counts.py", "-k=noticed"),
    ),
    (
        _defect(
            "changes at a stroke for a person who does not count",
            _STROKES,
            "USER.id == old.c.user_id, IS_CURRENT",
            "USER.id == old.c.user_id",
        ),
        ("tests/features/todos/test_counts.py", "-k=noticed"),
    ),
    (
        _defect(
            "keys that nobody claims",
            "transport/idempotency.py",
            "if not await self._answers.claim(self._key):",
            "if False:",
        ),
        ("tests/features/todos/test_safe_retries.py", "-k=in_flight or forty"),
    ),
    (
        _defect("keys that no stroke claims", _STROKES, "(CLAIMED.c.is_ours, IS_NEW) if", "(IS_NEW,) if"),
        ("tests/features/todos/test_safe_retries.py", "-k=in_flight"),
    ),
    (
        _defect(
            "no owner in a total that is counted",
            _PAGES,
            "_matching(select(func.count()), status, _bound, by_priority=by_priority)",
            "select(func.count()).select_from(Todo).where(*_STATUS[status])",
        ),
        ("tests/isolation/test_totals_apart.py",),
    ),
    (
        _defect("undo whatever came later", _UNDO_RULES, "if in_the_way:", "if False:"),
        ("tests/features/activity/test_undo.py",),
    ),
    # Of these, an answer shows nothing: what is found of others is looked for among one's own thereafter.
    (
        _defect(
            "no owner in an action",
            _ACTIVITY,
            "_IS_MINE,\n        _CHANGE.seq >= _action",
            "_CHANGE.seq >= _action",
        ),
        ("tests/isolation/test_activity_apart.py", "-k=an_action"),
    ),
    (
        _defect(
            "no owner in where an action ends",
            _ACTIVITY,
            "_IS_MINE_TOO, _other.c.seq > _action",
            "_other.c.seq > _action",
        ),
        ("tests/isolation/test_activity_apart.py", "-k=an_action"),
    ),
    (
        _defect("no owner in what a client did", _ACTIVITY, "_IS_MINE, _IS_SINCE, ", "_IS_SINCE, "),
        ("tests/isolation/test_activity_apart.py", "-k=a_client"),
    ),
    (
        _defect("no owner in since when", _ACTIVITY, "_IS_MINE_TOO, _other.c.at", "_other.c.at"),
        ("tests/isolation/test_activity_apart.py", "-k=a_client"),
    ),
    (
        _defect(
            "no owner in the history of todos",
            _ACTIVITY,
            "_IS_MINE,\n        _CHANGE.todo_id",
            "_CHANGE.todo_id",
        ),
        ("tests/isolation/test_activity_apart.py", "-k=the_history"),
    ),
    (
        Defect("no owner in the index", (_INDEX,)),
        ("tests/isolation/test_search_apart.py", "-k=even_without"),
    ),
    (
        Defect("no owner in searching what is not in the index", (_LOOKING,)),
        ("tests/isolation/test_search_apart.py", "-k=even_without"),
    ),
    (
        _defect("places that have been left are found", _SEARCH, "return first - unwanted", "return first"),
        ("tests/features/todos/test_search.py", "-k=written_anew"),
    ),
    (
        _defect(
            "a block that was renewed is not what is in it",
            "features/todos/repository/indexing.py",
            "after=before, limit=row",
            "after=before + 9, limit=row",
        ),
        ("tests/features/todos/test_search.py", "-k=does_not_fill"),
    ),
    (
        _defect(
            "found and shown in different moments",
            "features/todos/repository/todo_documents.py",
            'if row["change_seq"] == matches.last else None',
            "if row else None",
        ),
        ("tests/features/todos/test_search.py", "-k=between"),
    ),
    (
        _defect(
            "a batch that was cut short counts as a whole one",
            "features/todos/repository/indexing.py",
            "upto = self.upto if len(places) == len(self.rows) else places[-1][1]",
            "upto = self.upto",
        ),
        ("tests/features/todos/test_search.py", "-k=very_many"),
    ),
    (
        _defect(
            "a walk that does not look at the bit",
            _PAGES,
            '!= literal_column("0")',
            '!= literal_column("2")',
        ),
        ("tests/features/todos/test_search.py", "-k=in_common"),
    ),
    (
        _defect(
            "a person set for longer than the transaction",
            "database/transaction.py",
            "; SET LOCAL app.user_id",
            "; SET app.user_id",
        ),
        ("tests/contracts/test_house_rules.py", "-k=outlives"),
    ),
)
