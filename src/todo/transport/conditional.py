"""Conditional requests: versions as entity tags (RFC 9110, section 13)."""

import hashlib
import re

_STRONG_TAG = re.compile(r'(?<![\w/])"(\d{1,18})"')
# As much of the digest as nobody finds a second body for; processors have instructions for this one.
_TAG_DIGITS = 32
_ANY_TAG = re.compile(r'"[^"]*"')


def version_tag(version: int) -> str:
    """Give the strong entity tag of a version."""
    return f'"{version}"'


def content_tag(body: bytes) -> str:
    """Give the strong entity tag of an answer without a version of its own."""
    return f'"{hashlib.sha256(body).hexdigest()[:_TAG_DIGITS]}"'


def expected_versions(if_match: str | None) -> frozenset[int] | None:
    """Read `If-Match`: the versions it allows, or None for any. What cannot be read matches nothing."""
    if if_match is None or if_match.strip() == "*":
        return None
    return frozenset(int(tag) for tag in _STRONG_TAG.findall(if_match))


def is_unmodified(if_none_match: str | None, tag: str) -> bool:
    """Whether `If-None-Match` says the caller has this already."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or tag in _ANY_TAG.findall(if_none_match)
