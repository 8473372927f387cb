"""What a text is found by: the beginnings of its words, in every language's letters."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise

# Longer words are told apart by their beginnings.
_LONGEST = 64
# Of writing without spaces, so many letters in a row, from each letter on.
_IN_A_ROW = 4
# Thai and Lao, Burmese, Khmer, Chinese and Japanese.
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3100-\u312f\u31a0-\u31bf"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+)"
)
_DOTTED = "i\u0307"
# Letters on both sides of these belong together, as they do on both sides of what cannot be printed.
_SELECTORS = re.compile("[\ufe00-\ufe0f]")
LAST = "\U0010ffff"


class _Letters(dict[int, str | None]):
    """What stands for each character: letters, marks and digits for themselves, each symbol alone."""

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        category = unicodedata.category(character)
        if category == "Cf" or "\ufe00" <= character <= "\ufe0f":
            self[code] = None
        elif category[0] == "S":
            self[code] = f" {character} "
        else:
            self[code] = " " if category[0] in "PZ" or category == "Cc" else character
        return self[code]


# The last character there is stands after all that begin with a word.
_LETTERS = _Letters({ord(LAST): " "})


def folded(text: str) -> str:
    """Give the words of a text, spaces between, without regard to case and to ways of writing a letter."""
    return _alike(text).translate(_LETTERS)


def _alike(text: str) -> str:
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    # I without a dot is typed as one with.
    return text.replace(_DOTTED, "i").replace("\u0131", "i")


def beginnings(text: str) -> set[str]:
    """Give what a text is found by: whatever one of these begins with finds it."""
    found: set[str] = set()
    for part, is_unspaced in _parts(folded(text)):
        if is_unspaced:
            found.update(part[start : start + _IN_A_ROW] for start in range(len(part)))
        else:
            found.add(part[:_LONGEST])
    return found


def wanted(text: str) -> list[str]:
    """Give what a text must have beginnings with, all of them, to be found by this one."""
    asked: set[str] = set()
    for part, is_unspaced in _parts(folded(text)):
        if is_unspaced:
            last = max(0, len(part) - _IN_A_ROW)
            asked.update(part[start : start + _IN_A_ROW] for start in range(last + 1))
        else:
            asked.add(part[:_LONGEST])
    # What another begins with is found by that one too.
    return [word for word, following in pairwise([*sorted(asked), ""]) if not following.startswith(word)]


def is_found(text: str, words: Sequence[str]) -> bool:
    """Whether a text has a beginning with each of the words."""
    # To tell words apart takes ten times as long as to see that letters stand after a space, or nowhere.
    letters = f" {_alike(text)}"
    others = [word for word in words if f" {word}" not in letters]
    if not others:
        return True
    if (
        letters.isprintable()
        and not _SELECTORS.search(letters)
        and not all(map(letters.__contains__, others))
    ):
        return False
    found = beginnings(text)
    return all(any(one.startswith(word) for one in found) for word in others)


def _parts(letters: str) -> Iterator[tuple[str, bool]]:
    for word in letters.split():
        if word.isascii():
            yield word, False
            continue
        for number, part in enumerate(_UNSPACED.split(word)):
            if part:
                yield part, number % 2 == 1
