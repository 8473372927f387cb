"""Sets of places in a person's sequence of changes: in blocks, as bits, packed to be stored."""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_BLOCK_BITS = 13
BLOCK = 1 << _BLOCK_BITS
_PIECE = struct.Struct("<HH")


def block_of(place: int) -> int:
    """Give the number of the block a place is in."""
    return place >> _BLOCK_BITS


def packed(places: Iterable[int]) -> bytes:
    """Give places of one block as a piece: where its bytes begin, how many there are, and they."""
    bits = bytearray(BLOCK // 8)
    for place in places:
        offset = place % BLOCK
        bits[offset >> 3] |= 1 << (offset & 7)
    end = len(bits.rstrip(b"\0"))
    start = len(bits) - len(bits.lstrip(b"\0"))
    return _PIECE.pack(start, end - start) + bits[start:end]


def unpacked(pieces: bytes) -> int:
    """Give the bits of a block from its pieces, one after the other."""
    bits = at = 0
    while at < len(pieces):
        start, length = _PIECE.unpack_from(pieces, at)
        at += _PIECE.size
        bits |= int.from_bytes(pieces[at : at + length], "little") << (start * 8)
        at += length
    return bits


@dataclass
class Places:
    """Places, block by block."""

    blocks: dict[int, int] = field(default_factory=dict)

    def add(self, place: int) -> None:
        """Add a place."""
        self.include(block_of(place), 1 << place % BLOCK)

    def include(self, block: int, bits: int) -> None:
        """Add places of one block."""
        self.blocks[block] = self.blocks.get(block, 0) | bits

    def __and__(self, other: "Places") -> "Places":
        """Give those that are in both."""
        both = self.blocks.keys() & other.blocks.keys()
        return Places({block: self.blocks[block] & other.blocks[block] for block in both})

    def __sub__(self, other: "Places") -> "Places":
        """Give those that are in this one alone."""
        return Places({block: bits & ~other.blocks.get(block, 0) for block, bits in self.blocks.items()})

    def __len__(self) -> int:
        """Give how many there are."""
        return sum(bits.bit_count() for bits in self.blocks.values())

    def __iter__(self) -> Iterator[int]:
        """Give each of them."""
        for block, bits in self.blocks.items():
            left = bits
            while left:
                lowest = left & -left
                yield block * BLOCK + lowest.bit_length() - 1
                left ^= lowest

    def as_bits(self, last: int) -> bytes:
        """Give them as bits from 0 to the last place there can be."""
        size = BLOCK // 8
        return b"".join(
            self.blocks.get(block, 0).to_bytes(size, "little") for block in range(block_of(last) + 1)
        )
