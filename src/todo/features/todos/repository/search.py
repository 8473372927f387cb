"""Finding a person's todos by words: in the index, and in what has changed since it was made.

The index knows todos by their places in the person's sequence. Each change gives its todo a new place, so
the index stays true but for the places left since, and the record of changes names the todos that left them.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from asyncpg import Record
from sqlalchemy import text

from todo.database.statements import Statement
from todo.database.transaction import Transaction
from todo.features.todos.repository.keys import Question
from todo.features.todos.repository.places import BLOCK, Places, unpacked

# From as many on, what has changed since is put into the index: looking at each takes a microsecond or two.
LEFT_OUT_MAX = 256
_CHANGES_MAX = 4 * LEFT_OUT_MAX
_AT_ONCE = 500
# Not a word and not a star: the places that todos had left when the index was last written.
LEFT_KEY = "-"
# The number of the condition that they are; what is asked for has others.
_LEFT = -1

# One by one, and between two places: else reading all of a person's may look cheaper than it is.
_EXTENT = Statement(
    text("""
    SELECT indexed_seq, change_seq,
           (SELECT min(seq) FROM todo_changes WHERE user_id = :user_id) AS first_kept,
           (SELECT string_agg(CAST(place.change_seq AS text), ' ')
              FROM (SELECT todo_id FROM todo_changes
                     WHERE user_id = :user_id AND seq > users.indexed_seq AND seq <= users.change_seq
                     ORDER BY seq) AS changed
             CROSS JOIN LATERAL (SELECT indexed_todos.change_seq FROM indexed_todos
                                  WHERE user_id = :user_id AND id = changed.todo_id LIMIT 1) AS place
             WHERE users.indexed_seq > 0) AS left_since,
           (SELECT string_agg(concat_ws(' ', asked.condition, block, encode(found.places, 'hex')), ',')
              FROM unnest(CAST(:conditions AS integer[]), CAST(:lows AS text[]), CAST(:highs AS text[]))
                   AS asked (condition, low, high)
             CROSS JOIN generate_series(0, users.indexed_seq / CAST(:block AS bigint)) AS block
             CROSS JOIN LATERAL (SELECT string_agg(places, '') AS places FROM todo_words
                                  WHERE user_id = :user_id AND todo_words.block = block.block
                                    AND word >= low AND word < high) AS found
             WHERE users.indexed_seq > 0 AND found.places IS NOT NULL) AS found
      FROM users WHERE id = :user_id
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


@dataclass(frozen=True)
class Matches:
    """Where the todos are that were found, the last place there is, and whether the index is far behind."""

    places: Places
    last: int
    is_behind: bool


class TodoSearch:
    """Searches the todos of one owner, in a transaction that sees a single snapshot."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._owner_id = transaction.user_id

    async def extent(self) -> Extent:
        """Say how far the index reaches."""
        return _extent_of(await self._known([]))

    async def find(self, question: Question) -> Matches:
        """Find all that answer a question."""
        ranges = [*question.ranges(), (_LEFT, LEFT_KEY, LEFT_KEY + "\1")]
        row = await self._known(ranges)
        extent, places = _extent_of(row), Places()
        if row is not None and extent.indexed_seq:
            places = _indexed(row, {condition for condition, _, _ in ranges})
        looked_at = 0
        if extent.indexed_seq < extent.change_seq:
            looked_at = await self._look_through(question, extent.indexed_seq, places)
        changes = extent.change_seq - extent.indexed_seq if extent.indexed_seq else 0
        is_behind = looked_at > LEFT_OUT_MAX or changes > _CHANGES_MAX
        return Matches(places, extent.change_seq, is_behind)

    async def _known(self, ranges: Sequence[tuple[int, str, str]]) -> Record | None:
        """Read how far the index reaches, and what stands in these ranges of it."""
        return await self._transaction.one(
            _EXTENT,
            user_id=self._owner_id,
            block=BLOCK,
            conditions=[condition for condition, _, _ in ranges],
            lows=[low for _, low, _ in ranges],
            highs=[high for _, _, high in ranges],
        )

    async def _look_through(self, question: Question, after: int, places: Places) -> int:
        """Add those that are found among the todos that changed after a place, and say how many those are."""
        count = 0
        while True:
            rows = await self._transaction.rows(
                CHANGED_SINCE, user_id=self._owner_id, after=after, limit=_AT_ONCE
            )
            for row in rows:
                if question.is_answered_by(row):
                    places.add(row["change_seq"])
            count += len(rows)
            if len(rows) < _AT_ONCE:
                return count
            after = rows[-1]["change_seq"]


def _extent_of(row: Record | None) -> Extent:
    """Say how far the index is of use; not at all, if what has happened since is not known in full."""
    if row is None:
        return Extent(0, 0, 0)
    written_seq, change_seq = row["indexed_seq"], row["change_seq"]
    # Changes are forgotten from the first on.
    is_known = written_seq == change_seq or (row["first_kept"] or 0) <= written_seq + 1
    return Extent(written_seq, written_seq if is_known else 0, change_seq)


def _indexed(row: Record, conditions: Collection[int]) -> Places:
    """Give the places that meet every condition and are not left."""
    found = {condition: Places() for condition in conditions}
    for piece in row["found"].split(",") if row["found"] else ():
        condition, block, places = piece.split(" ")
        found[int(condition)].include(int(block), unpacked(bytes.fromhex(places)))
    left = found.pop(_LEFT)
    for place in (row["left_since"] or "").split():
        left.add(int(place))
    first, *others = found.values()
    for other in others:
        first &= other
    return first - left
