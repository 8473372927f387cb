"""Finding a person's todos by words: in the index, and in what has changed since it was made.

The index knows todos by their places in the person's sequence. Each change gives its todo a new place, so
the index stays true but for the places left since, and the record of changes names the todos that left them.
"""

import json
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from todo.database.statements import Statement
from todo.database.transaction import Transaction
from todo.database.wire import Row
from todo.features.todos.repository.asking import Asking
from todo.features.todos.repository.keys import UNWANTED, Question
from todo.features.todos.repository.places import Places, unpacked

# From as many on, what has changed since is put into the index: looking at each takes a microsecond or two.
LEFT_OUT_MAX = 256
_CHANGES_MAX = 4 * LEFT_OUT_MAX
_AT_ONCE = 500
# Not a word and not a star: the places that todos had left when the index was last written.
LEFT_KEY = "-"
_LEFT = (UNWANTED, LEFT_KEY, LEFT_KEY + "\1")
# Before the places of a word in a block: the number of the condition, that of the block, and how many bytes.
_HEAD = struct.Struct(">hqi")

# The person's row first: else what is asked besides looks so dear that any way to that row seems good.
# Changes one by one, and between two places: else reading all of a person's may look cheaper than it is.
# Which words and whose is told in ways that no plan can foresee: else there is one made for each question.
_KNOWN = Statement(
    text("""
    WITH reach AS MATERIALIZED (SELECT id, indexed_seq, change_seq FROM users WHERE id = :user_id)
    SELECT indexed_seq, change_seq,
           CASE WHEN indexed_seq < change_seq
                THEN (SELECT min(seq) FROM todo_changes WHERE user_id = :user_id) END AS first_kept,
           (SELECT string_agg(CAST(place.change_seq AS text), ' ')
              FROM (SELECT todo_id FROM todo_changes
                     WHERE user_id = :user_id AND seq > reach.indexed_seq AND seq <= reach.change_seq
                     ORDER BY seq) AS changed
             CROSS JOIN LATERAL (SELECT indexed_todos.change_seq FROM indexed_todos
                                  WHERE user_id = :user_id AND id = changed.todo_id LIMIT 1) AS place
             WHERE reach.indexed_seq BETWEEN 1 AND reach.change_seq - 1) AS left_since,
           (SELECT CAST(json_agg(changed) AS text)
              FROM (SELECT change_seq, title, description, priority, completed_at, deleted_at FROM todos
                     WHERE user_id = :user_id AND change_seq > reach.indexed_seq
                       AND reach.indexed_seq < reach.change_seq
                     ORDER BY change_seq LIMIT :limit) AS changed) AS changed,
           (SELECT string_agg(int2send(CAST(asked.condition AS smallint)) || int8send(block)
                              || int4send(length(places)) || places, '')
              FROM unnest((SELECT CAST(:conditions AS integer[])), (SELECT CAST(:lows AS text[])),
                          (SELECT CAST(:highs AS text[])))
                   AS asked (condition, low, high)
             CROSS JOIN LATERAL (SELECT block, places FROM todo_words
                                  WHERE user_id = reach.id AND word >= low AND word < high OFFSET 0) AS found
             WHERE reach.indexed_seq > 0) AS found
      FROM reach
    """)
)
CHANGED_SINCE = Statement(
    text("""
    SELECT change_seq, id, title, description, priority, completed_at, deleted_at FROM todos
     WHERE user_id = :user_id AND change_seq > :after ORDER BY change_seq LIMIT :limit
    """)
)


@dataclass(frozen=True)
class Extent:
    """How far a person's index is of use: to which change, of how many.

    `written_seq` is how far it reaches.
    """

    written_seq: int
    indexed_seq: int
    change_seq: int

    @classmethod
    def of(cls, row: Row | None) -> "Extent":
        """Say how far the index is of use; not at all, if what has happened since is not known in full."""
        if row is None or row["change_seq"] is None:
            return cls(0, 0, 0)
        written_seq, change_seq = row["indexed_seq"], row["change_seq"]
        # Changes are forgotten from the first on.
        is_known = written_seq == change_seq or (row["first_kept"] or 0) <= written_seq + 1
        return cls(written_seq, written_seq if is_known else 0, change_seq)

    @property
    def changes(self) -> int:
        """How many have happened since, if any of it is of use."""
        return self.change_seq - self.indexed_seq if self.indexed_seq else 0


@dataclass(frozen=True)
class Matches:
    """Where the todos are that were found, the last place there is, and whether the index is far behind."""

    places: Places
    last: int
    is_behind: bool


async def extent(transaction: Transaction) -> Extent:
    """Say how far the index of the owner reaches."""
    return Extent.of(await _known(transaction, [], limit=0))


async def glimpse(asking: Asking, question: Question) -> Matches | None:
    """Find all that answer a question by one statement; nothing, if there is more to be looked at."""
    row = await _known(asking, [*question.ranges(), _LEFT], limit=LEFT_OUT_MAX + 1)
    reach = Extent.of(row)
    if row is None or reach.change_seq == 0:
        return Matches(Places(), 0, is_behind=False)
    changed = json.loads(row["changed"] or "[]")
    if reach.indexed_seq < reach.written_seq or len(changed) > LEFT_OUT_MAX:
        return None
    places = _indexed(row, question)
    _look_through(changed, question, places)
    return Matches(places, reach.change_seq, reach.changes > _CHANGES_MAX)


async def find(transaction: Transaction, question: Question) -> Matches:
    """Do the same by as many as it takes, in a transaction that sees a single snapshot."""
    row = await _known(transaction, [*question.ranges(), _LEFT], limit=0)
    reach = Extent.of(row)
    places = _indexed(row, question) if row and reach.indexed_seq else Places()
    looked_at, after = 0, reach.indexed_seq
    while True:
        rows = await transaction.rows(CHANGED_SINCE, user_id=transaction.user_id, after=after, limit=_AT_ONCE)
        _look_through(rows, question, places)
        looked_at += len(rows)
        if len(rows) < _AT_ONCE:
            break
        after = rows[-1]["change_seq"]
    is_behind = looked_at > LEFT_OUT_MAX or reach.changes > _CHANGES_MAX
    return Matches(places, reach.change_seq, is_behind)


async def _known(asking: Asking, ranges: Sequence[tuple[int, str, str]], *, limit: int) -> Row | None:
    """Read how far the index reaches, what stands in these ranges of it, and some todos changed since."""
    return await asking.one(
        _KNOWN,
        user_id=asking.user_id,
        limit=limit,
        conditions=[condition for condition, _, _ in ranges],
        lows=[low for _, low, _ in ranges],
        highs=[high for _, _, high in ranges],
    )


def _look_through(rows: Iterable[Any], question: Question, places: Places) -> None:
    """Add those todos that are found."""
    for row in rows:
        if question.is_answered_by(row):
            places.add(row["change_seq"])


def _indexed(row: Row, question: Question) -> Places:
    """Give the places that meet every condition, and neither are unwanted nor have been left since."""
    found = {number: Places() for number in (UNWANTED, *range(question.condition_count))}
    for condition, block, pieces in _parts(row["found"] or b""):
        found[condition].include(block, unpacked(pieces))
    unwanted = found.pop(UNWANTED)
    for place in (row["left_since"] or "").split():
        unwanted.add(int(place))
    first, *others = found.values()
    for other in others:
        first &= other
    return first - unwanted


def _parts(found: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Give what was found of each condition: in which block, and what."""
    at = 0
    while at < len(found):
        condition, block, length = _HEAD.unpack_from(found, at)
        at += _HEAD.size + length
        yield condition, block, found[at - length : at]
