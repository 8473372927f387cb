"""Addresses as people paste them."""

import ssl
from urllib.parse import parse_qsl, urlsplit

import pytest

from todo.database.url import DatabaseUrl
from todo.problems import CannotStart

NEON = "ep-cool-darkness-123456"


@pytest.mark.parametrize(
    ("pasted", "for_driver"),
    [
        ("postgresql://u:p@localhost/todo", "postgresql://u:p@localhost/todo"),
        ("postgres://u:p@localhost:5433/todo", "postgresql://u:p@localhost:5433/todo"),
        ("postgresql+asyncpg://u:p@db/todo", "postgresql://u:p@db/todo"),
        ("postgresql+psycopg://u:p@db/todo", "postgresql://u:p@db/todo"),
        ("  postgresql://u:p@db/todo\n", "postgresql://u:p@db/todo"),
        ("postgresql://u@db", "postgresql://u@db/u"),
        ("postgresql://u:p%40ss%2Fw@db/todo", "postgresql://u:p%40ss%2Fw@db/todo"),
        ("postgresql://u:p@[::1]:5432/todo", "postgresql://u:p@[::1]:5432/todo"),
        ("postgresql:///todo?host=/run/postgresql", "postgresql:///todo?host=%2Frun%2Fpostgresql"),
        ("postgresql://u:p@db/todo?sslmode=verify-full", "postgresql://u:p@db/todo?sslmode=verify-full"),
        (
            f"postgresql://neondb_owner:p@{NEON}.eu-central-1.aws.neon.tech/neondb?sslmode=require&channel_binding=require",
            f"postgresql://neondb_owner:p@{NEON}.eu-central-1.aws.neon.tech/neondb?sslmode=require",
        ),
        (
            f"postgresql://neondb_owner:p@{NEON}-pooler.eu-central-1.aws.neon.tech/neondb?sslmode=require",
            f"postgresql://neondb_owner:p@{NEON}-pooler.eu-central-1.aws.neon.tech/neondb?sslmode=require",
        ),
        ("postgresql://u:p@db/todo?pgbouncer=true&connect_timeout=10", "postgresql://u:p@db/todo"),
    ],
)
def test_what_people_paste_is_made_fit_for_the_driver(pasted: str, for_driver: str) -> None:
    assert DatabaseUrl.parse(pasted).for_driver() == for_driver


# What consoles show, and what becomes of it: for the driver, through the pooler or not, and past the pooler.
SHOWN = [
    (
        f"postgresql://neondb_owner:npg_AbC1@{NEON}.us-east-2.aws.neon.tech/neondb?sslmode=require&channel_binding=require",
        f"{NEON}.us-east-2.aws.neon.tech/neondb?sslmode=require",
        f"{NEON}.us-east-2.aws.neon.tech",
    ),
    (
        f"postgresql://neondb_owner:npg_AbC1@{NEON}-pooler.us-east-2.aws.neon.tech/neondb?sslmode=require&channel_binding=require",
        f"{NEON}-pooler.us-east-2.aws.neon.tech/neondb?sslmode=require",
        f"{NEON}.us-east-2.aws.neon.tech",
    ),
    (
        f"postgresql://neondb_owner:npg_AbC1@{NEON}-pooler.c-2.eu-central-1.aws.neon.tech/neondb?sslmode=require&channel_binding=require",
        f"{NEON}-pooler.c-2.eu-central-1.aws.neon.tech/neondb?sslmode=require",
        f"{NEON}.c-2.eu-central-1.aws.neon.tech",
    ),
    (
        f"postgresql://neondb_owner:npg_AbC1@{NEON}-pooler.gwc.azure.neon.tech/neondb?channel_binding=require&sslmode=require",
        f"{NEON}-pooler.gwc.azure.neon.tech/neondb?sslmode=require",
        f"{NEON}.gwc.azure.neon.tech",
    ),
    (
        f"psql 'postgresql://neondb_owner:npg_AbC1@{NEON}-pooler.us-east-2.aws.neon.tech/neondb?sslmode=require&channel_binding=require'",
        f"{NEON}-pooler.us-east-2.aws.neon.tech/neondb?sslmode=require",
        f"{NEON}.us-east-2.aws.neon.tech",
    ),
    (
        f"psql postgresql://neondb_owner:npg_AbC1@{NEON}.us-east-2.aws.neon.tech/neondb?sslmode=require&channel_binding=require",
        f"{NEON}.us-east-2.aws.neon.tech/neondb?sslmode=require",
        f"{NEON}.us-east-2.aws.neon.tech",
    ),
    (
        f"postgres://neondb_owner:npg_AbC1@{NEON}-pooler.us-east-2.aws.neon.tech/neondb?pgbouncer=true&connect_timeout=15&sslmode=require",
        f"{NEON}-pooler.us-east-2.aws.neon.tech/neondb?sslmode=require",
        f"{NEON}.us-east-2.aws.neon.tech",
    ),
    (
        f"postgresql://neondb_owner:npg_AbC1@{NEON}.us-east-2.aws.neon.tech/neondb?options=endpoint%3D{NEON}&sslmode=require",
        f"{NEON}.us-east-2.aws.neon.tech/neondb?sslmode=require",
        f"{NEON}.us-east-2.aws.neon.tech",
    ),
    (
        f"postgresql+asyncpg://neondb_owner:npg_AbC1@{NEON}-pooler.us-east-2.aws.neon.tech/neondb?sslmode=require",
        f"{NEON}-pooler.us-east-2.aws.neon.tech/neondb?sslmode=require",
        f"{NEON}.us-east-2.aws.neon.tech",
    ),
    (
        f"postgresql://neondb_owner:npg_AbC1@{NEON}.us-east-2.aws.neon.tech:5432/neondb?sslmode=verify-full&sslrootcert=system",
        f"{NEON}.us-east-2.aws.neon.tech:5432/neondb",
        f"{NEON}.us-east-2.aws.neon.tech:5432",
    ),
    (
        "postgresql://neondb_owner:npg_AbC1@db.example.net:5432/todo?sslmode=require&application_name=todo",
        "db.example.net:5432/todo?sslmode=require",
        "db.example.net:5432",
    ),
    (
        "postgresql://neondb_owner:npg_AbC1@10.0.0.7/todo?target_session_attrs=read-write",
        "10.0.0.7/todo?target_session_attrs=read-write",
        "10.0.0.7",
    ),
]


@pytest.mark.parametrize(("pasted", "for_driver", "location_past_pooler"), SHOWN)
def test_what_a_console_shows_is_taken_as_it_is(
    pasted: str, for_driver: str, location_past_pooler: str
) -> None:
    url = DatabaseUrl.parse(pasted)

    assert url.for_driver() == f"postgresql://neondb_owner:npg_AbC1@{for_driver}"
    assert url.is_pooled is ("-pooler." in pasted)
    assert url.without_pooler().location == location_past_pooler
    assert not url.without_pooler().is_pooled


@pytest.mark.parametrize(
    ("pasted", "is_pooled"),
    [
        (f"postgresql://u:p@{NEON}-pooler.eu-central-1.aws.neon.tech/neondb", True),
        (f"postgresql://u:p@{NEON}.eu-central-1.aws.neon.tech/neondb", False),
        ("postgresql://u:p@bouncer:6432/todo?pgbouncer=true", True),
        ("postgresql://u:p@localhost/todo", False),
    ],
)
def test_a_pooler_is_recognised(pasted: str, is_pooled: bool) -> None:  # noqa: FBT001  # a parameter of the test
    assert DatabaseUrl.parse(pasted).is_pooled is is_pooled


@pytest.mark.parametrize(
    ("pasted", "direct"),
    [
        ("postgresql://u:p@localhost/todo", "postgresql://u:p@localhost/todo"),
        (
            f"postgresql://u:p@{NEON}-pooler.eu-central-1.aws.neon.tech/neondb?sslmode=require",
            f"postgresql://u:p@{NEON}.eu-central-1.aws.neon.tech/neondb?sslmode=require",
        ),
        (
            f"postgresql://u:p@{NEON}-pooler.c-2.us-east-2.aws.neon.tech:5432/neondb?pgbouncer=true&sslmode=require",
            f"postgresql://u:p@{NEON}.c-2.us-east-2.aws.neon.tech:5432/neondb?sslmode=require",
        ),
        (
            f"postgresql://u:p@{NEON}.eu-central-1.aws.neon.tech/neondb",
            f"postgresql://u:p@{NEON}.eu-central-1.aws.neon.tech/neondb",
        ),
        ("postgresql://u:p@bouncer:6432/todo?pgbouncer=true", "None"),
        ("postgresql:///todo?host=/run/postgresql", "postgresql:///todo?host=%2Frun%2Fpostgresql"),
    ],
)
def test_the_way_past_a_pooler_is_found_where_the_address_tells_it(pasted: str, direct: str) -> None:
    assert str(DatabaseUrl.parse(pasted).direct) == direct


@pytest.mark.parametrize(
    "pasted", ["", "sqlite:///todo.db", "mysql://u@db/todo", "localhost", "postgresql://u@db:x/t"]
)
def test_what_is_no_postgresql_address_is_refused(pasted: str) -> None:
    with pytest.raises(CannotStart, match="TODO_DATABASE_URL"):
        DatabaseUrl.parse(pasted)


def test_the_password_is_not_shown() -> None:
    url = DatabaseUrl.parse("postgresql://u:hidden@db/todo?sslmode=require")

    assert "hidden" not in repr(url)
    assert url.without_password == "u@db/todo"  # noqa: S105  # the opposite of one


def test_another_role_keeps_the_rest() -> None:
    url = DatabaseUrl.parse("postgresql://u:p@db:5433/todo?sslmode=require").as_role("todo_app_1", "a/b")

    assert str(url) == "postgresql://todo_app_1:a%2Fb@db:5433/todo?sslmode=require"


@pytest.mark.parametrize(
    ("pasted", "location"),
    [
        ("postgresql://o:p@ep-cool-1-pooler.eu-1.aws.neon.tech/db", "ep-cool-1.eu-1.aws.neon.tech"),
        ("postgresql://o:p@ep-cool-1.eu-1.aws.neon.tech/db", "ep-cool-1.eu-1.aws.neon.tech"),
        ("postgresql://o:p@127.0.0.1:6432/db", "127.0.0.1:6432"),
    ],
)
def test_the_way_round_a_pooler_is_known_by_its_name(pasted: str, location: str) -> None:
    assert DatabaseUrl.parse(pasted).without_pooler().location == location


def test_a_pooler_that_cannot_be_gone_round_is_named() -> None:
    with pytest.raises(CannotStart, match="is a pooler"):
        DatabaseUrl.parse("postgresql://o:p@127.0.0.1:6432/db?pgbouncer=true").without_pooler()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("sslmode=require&channel_binding=require", "sslmode=require&channel_binding=require"),
        ("pgbouncer=true&sslmode=require", "sslmode=require"),
        ("options=endpoint%3Done&application_name=todo", "options=endpoint%3Done&application_name=todo"),
        ("search_path=public&options=-c+a.b%3D1", "options=-c%20a.b%3D1%20-c%20search_path%3Dpublic"),
    ],
)
def test_libpq_is_told_the_words_it_knows_and_the_server_the_rest(given: str, told: str) -> None:
    assert (
        DatabaseUrl.parse(f"postgresql://u@db/todo?{given}").for_libpq() == f"postgresql://u@db/todo?{told}"
    )


def test_libpq_is_told_where_the_system_keeps_its_authorities() -> None:
    url = DatabaseUrl.parse("postgresql://u@db/todo?sslmode=verify-full&sslrootcert=system")

    told = dict(parse_qsl(urlsplit(url.for_libpq()).query))

    assert told["sslmode"] == "verify-full"
    assert told["sslrootcert"] == (ssl.get_default_verify_paths().cafile or "system")
