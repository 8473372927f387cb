"""What a search must find, worked out letter by letter, with nothing of the product."""

import unicodedata
from collections.abc import Iterator

_UNSPACED = [
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3005, 0x3007), (0x3040, 0x30FF),
    (0x3100, 0x312F), (0x31A0, 0x31BF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF), (0x20000, 0x3FFFF),
]  # fmt: skip


def finds(q: str, text: str) -> bool:
    """Whether every word of `q` begins a word of the text, or stands within its writing without spaces."""
    words = _words(text)
    return all(_is_there(asked, words) for asked in _words(q))


def _is_there(asked: str, words: list[str]) -> bool:
    if not _is_unspaced(asked[0]):
        return any(word.startswith(asked[:64]) for word in words)
    fours = [asked[start : start + 4] for start in range(max(1, len(asked) - 3))]
    return all(any(four in word for word in words) for four in fours)


def _words(text: str) -> list[str]:
    words = [""]
    was_unspaced = False
    for letter in _letters(text):
        is_unspaced = _is_unspaced(letter)
        if is_unspaced != was_unspaced:
            words.append("")
        was_unspaced = is_unspaced
        kind = unicodedata.category(letter)
        if kind[0] in "PZ" or kind == "Cc":
            words.append("")
        elif kind[0] == "S":
            words += [letter, ""]
        else:
            words[-1] += letter
    return [word for word in words if word]


def _letters(text: str) -> Iterator[str]:
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    text = text.replace("i\N{COMBINING DOT ABOVE}", "i")
    for letter in text.replace("\N{LATIN SMALL LETTER DOTLESS I}", "i").replace("\U0010ffff", " "):
        if unicodedata.category(letter) != "Cf" and not "\ufe00" <= letter <= "\ufe0f":
            yield letter


def _is_unspaced(letter: str) -> bool:
    return any(first <= ord(letter) <= last for first, last in _UNSPACED)
