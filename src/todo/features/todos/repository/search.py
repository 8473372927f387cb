"""Finding a person's todos by words: in the index, and in what has changed since it was made.

The index knows todos by their places in the person's sequence. Each change gives its todo a new place, so
the index stays true but for the places left since, and the record of changes names the todos that left them.
"""

from dataclasses import dataclass

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

# One by one: for many at once, reading all of a person's may look cheaper than it is.
_EXTENT = Statement(
    text("""
    SELECT indexed_seq, change_seq,
           (SELECT min(seq) FROM todo_changes WHERE user_id = :user_id) AS first_kept,
           (SELECT string_agg(CAST(place.change_seq AS text), ' ')
              FROM (SELECT todo_id FROM todo_changes
                     WHERE user_id = :user_id AND seq > users.indexed_seq ORDER BY seq) AS changed
             CROSS JOIN LATERAL (SELECT indexed_todos.change_seq FROM indexed_todos
                                  WHERE user_id = :user_id AND id = changed.todo_id LIMIT 1) AS place
             WHERE users.indexed_seq > 0) AS left_since
      FROM users WHERE id = :user_id
    """)
)
_PLACES = Statement(
    text("""
    SELECT asked.condition, block, found.places
      FROM unnest(CAST(:conditions AS integer[]), CAST(:lows AS text[]), CAST(:highs AS text[]))
           AS asked (condition, low, high)
     CROSS JOIN generate_series(0, CAST(:last_block AS bigint)) AS block
     CROSS JOIN LATERAL (SELECT string_agg(places, '') AS places FROM todo_words
                          WHERE user_id = :user_id AND todo_words.block = block.block
                            AND word >= low AND word < high) AS found
     WHERE found.places IS NOT NULL
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
    """How far a person's index is of use: to which change, of how many, and the places left since.

    `written_seq` is how far it reaches.
    """

    written_seq: int
    indexed_seq: int
    change_seq: int
    left_since: list[int]

    @property
    def last_block(self) -> int:
        """The last block that is in the index."""
        return self.indexed_seq // BLOCK


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
        """Say how far the index reaches; nowhere, if what has happened since is not known in full."""
        row = await self._transaction.one(_EXTENT, user_id=self._owner_id)
        if row is None:
            return Extent(0, 0, 0, [])
        indexed_seq, change_seq = row["indexed_seq"], row["change_seq"]
        # Changes are forgotten from the first on.
        is_known = indexed_seq == change_seq or (row["first_kept"] or 0) <= indexed_seq + 1
        if not is_known:
            return Extent(indexed_seq, 0, change_seq, [])
        left_since = [int(seq) for seq in (row["left_since"] or "").split()]
        return Extent(indexed_seq, indexed_seq, change_seq, left_since)

    async def find(self, question: Question) -> Matches:
        """Find all that answer a question."""
        extent = await self.extent()
        places = await self._indexed(question, extent) if extent.indexed_seq else Places()
        looked_at = await self._look_through(question, extent.indexed_seq, places)
        changes = extent.change_seq - extent.indexed_seq if extent.indexed_seq else 0
        is_behind = looked_at > LEFT_OUT_MAX or changes > _CHANGES_MAX
        return Matches(places, extent.change_seq, is_behind)

    async def _indexed(self, question: Question, extent: Extent) -> Places:
        ranges = [*question.ranges(), (-1, LEFT_KEY, LEFT_KEY + "\1")]
        rows = await self._transaction.rows(
            _PLACES,
            user_id=self._owner_id,
            last_block=extent.last_block,
            conditions=[condition for condition, _, _ in ranges],
            lows=[low for _, low, _ in ranges],
            highs=[high for _, _, high in ranges],
        )
        found = {condition: Places() for condition, _, _ in ranges}
        for row in rows:
            found[row["condition"]].include(row["block"], unpacked(row["places"]))
        left = found.pop(-1)
        for place in extent.left_since:
            left.add(place)
        first, *others = found.values()
        for other in others:
            first &= other
        return first - left

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
