"""The words of the page, in every language it speaks."""

import re
from pathlib import Path

import pytest

WORDS = Path(__file__).parents[2] / "web/app/src/words"
LANGUAGES = sorted(file.stem for file in WORDS.glob("??.ts"))
_ENTRY = re.compile(r'^  (?:"([^"]+)"|(\w+)): "((?:[^"\\]|\\.)*)",$', re.MULTILINE)
# Names, and what is the same word in both.
_SAME_ANYWHERE = {"product", "api_docs"}


def words_in(language: str) -> dict[str, str]:
    text = (WORDS / f"{language}.ts").read_text(encoding="utf-8")
    return {quoted or plain: words for quoted, plain, words in _ENTRY.findall(text)}


def test_there_are_three_languages() -> None:
    assert LANGUAGES == ["de", "en", "fr"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_everything_and_fills_in_the_same(language: str) -> None:
    english, own = words_in("en"), words_in(language)

    holes = {key: set(re.findall(r"\{\w+\}", words)) for key, words in own.items()}

    assert holes == {key: set(re.findall(r"\{\w+\}", words)) for key, words in english.items()}
    assert len(own) > 200
    assert all(own.values())


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_what_is_said_is_translated(language: str) -> None:
    english, own = words_in("en"), words_in(language)

    same = {key for key, words in own.items() if words == english[key] and " " in words}

    assert same - _SAME_ANYWHERE == set()


def test_every_word_is_used() -> None:
    code = "\n".join(
        file.read_text(encoding="utf-8") for file in WORDS.parent.rglob("*.ts*") if file.parent != WORDS
    )
    stems = set(re.findall(r"[`\"](\w[\w:-]*?)(?:\$\{|[`\"])", code))

    unused = {
        key
        for key in words_in("en")
        if not any(key == stem or (stem.endswith("_") and key.startswith(stem)) for stem in stems)
        and key.removesuffix("_one").removesuffix("_other") not in stems
        and not any(stem.endswith("_") and key.startswith(stem) for stem in stems)
    }

    assert unused == set()
