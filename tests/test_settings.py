"""Settings as operators write them."""

import pytest
from pydantic import ValidationError

from todo.settings import Limits, Settings


@pytest.mark.parametrize(
    ("written", "origin"),
    [
        ("https://todo.example", "https://todo.example"),
        ("https://todo.example/", "https://todo.example"),
        ("https://TODO.example:443", "https://todo.example"),
        ("http://todo.example:8080", "http://todo.example:8080"),
        ("", "http://localhost:8000"),
    ],
)
def test_the_origin_is_written_as_browsers_write_it(written: str, origin: str) -> None:
    assert Settings(origin=written).public_origin == origin


def test_the_default_port_is_left_out() -> None:
    assert Settings(port=80).public_origin == "http://localhost"


@pytest.mark.parametrize(
    "written", ["todo.example", "ftp://todo.example", "https://todo.example/path", "https://"]
)
def test_what_is_no_origin_is_refused(written: str) -> None:
    with pytest.raises(ValidationError, match="must be like"):
        Settings(origin=written)


@pytest.mark.parametrize(
    "half", [{"auth_issuer": "https://issuer.example"}, {"auth_jwks_url": "https://x.example/jwks"}]
)
def test_an_outside_issuer_needs_both_of_its_addresses(half: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="go together"):
        Settings(**half)  # type: ignore[arg-type]  # by name


def test_nobody_is_without_limits_unless_told_so() -> None:
    assert Settings().limits == Limits(rate_limit=1200, quota=100_000, batch_limit=100, agent_writes=1000)
    assert Settings(rate_limit=0, quota=0).limits == Limits(
        rate_limit=0, quota=0, batch_limit=100, agent_writes=1000
    )


@pytest.mark.parametrize(
    ("name", "value"), [("rate_limit", -1), ("quota", -1), ("batch_limit", 0), ("batch_limit", 101)]
)
def test_a_limit_out_of_range_is_refused(name: str, value: int) -> None:
    with pytest.raises(ValidationError, match=name):
        Settings(**{name: value})  # type: ignore[arg-type]  # by name
