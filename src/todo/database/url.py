"""PostgreSQL addresses as people paste them, made fit for the driver."""

import ssl
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from todo.problems import CannotStart

_SCHEMES = {"postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg", "postgresql+psycopg2"}
# The driver would pass these on to the server as unknown settings, which refuses the connection.
_CLIENT_ONLY = {"channel_binding", "pgbouncer", "options", "connect_timeout", "application_name"}


@dataclass(frozen=True)
class DatabaseUrl:
    """One PostgreSQL address, credentials included. `str()` gives it back with them; `repr()` without."""

    user: str
    password: str
    location: str
    database: str
    parameters: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, text: str, setting: str = "TODO_DATABASE_URL") -> "DatabaseUrl":
        """Accept what consoles and tutorials show.

        Raises `CannotStart` when it is no PostgreSQL address; `setting` is what the sentence blames.
        """
        try:
            # Neon's console shows it as a command to copy.
            parts = urlsplit(text.strip().removeprefix("psql ").strip(" '\""))
            port = f":{parts.port}" if parts.port else ""
        except ValueError:
            raise CannotStart(f"{setting} is not an address: check its host and port.") from None
        if parts.scheme not in _SCHEMES:
            raise CannotStart(f"{setting} must start with postgresql:// (or be unset).")
        credentials, _, _ = parts.netloc.rpartition("@")
        user, _, password = credentials.partition(":")
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else (parts.hostname or "")
        return cls(
            user=unquote(user),
            password=unquote(password),
            location=f"{host}{port}",
            database=unquote(parts.path.lstrip("/")) or unquote(user),
            parameters=tuple(parse_qsl(parts.query, keep_blank_values=True)),
        )

    @property
    def is_pooled(self) -> bool:
        """Whether a transaction pooler stands in between, where prepared statements do not survive."""
        return "-pooler." in self.location or ("pgbouncer", "true") in self.parameters

    @property
    def direct(self) -> "DatabaseUrl | None":
        """Give the same database past the pooler; None where the address does not tell the way there."""
        if not self.is_pooled:
            return self
        if "-pooler." not in self.location:
            return None
        # Neon's way of naming: `ep-one-two-3-pooler.region.…` stands before `ep-one-two-3.region.…`.
        location = self.location.replace("-pooler.", ".", 1)
        parameters = tuple(pair for pair in self.parameters if pair[0] != "pgbouncer")
        return DatabaseUrl(self.user, self.password, location, self.database, parameters)

    def without_pooler(self) -> "DatabaseUrl":
        """Give the same database past the pooler; raises `CannotStart` where the way there is not known."""
        if self.direct is None:
            raise CannotStart(
                f"{self.without_password} is a pooler: set TODO_DATABASE_URL to the server's own address, "
                "and TODO_APP_DATABASE_URL to the pooler's."
            )
        return self.direct

    @property
    def is_on_this_machine(self) -> bool:
        """Whether nothing that is said to it leaves the machine."""
        host = urlsplit(f"//{self.location}").hostname or dict(self.parameters).get("host", "/")
        return host.startswith(("/", "127.")) or host in {"localhost", "::1"}

    @property
    def without_password(self) -> str:
        """Name it in a message."""
        return f"{self.user}@{self.location or 'local socket'}/{self.database}"

    def as_role(self, user: str, password: str) -> "DatabaseUrl":
        """Give the same database for another role."""
        return DatabaseUrl(user, password, self.location, self.database, self.parameters)

    def for_driver(self) -> str:
        """Give the address without the words only other clients know."""
        dropped = _CLIENT_ONLY | ({"sslmode", "sslrootcert"} if self._trusts_system else set())
        kept = tuple((name, value) for name, value in self.parameters if name not in dropped)
        return str(DatabaseUrl(self.user, self.password, self.location, self.database, kept))

    def for_libpq(self) -> str:
        """Give the address in libpq's words; one that is a setting of the server is said as such."""
        from psycopg.pq import Conninfo  # noqa: PLC0415  # takes its time, and most commands need it not

        words = {option.keyword.decode() for option in Conninfo.get_defaults()}
        kept = {name: value for name, value in self.parameters if name in words}
        settings = [
            f"-c {name}={value}" for name, value in self.parameters if name not in words | _CLIENT_ONLY
        ]
        if settings:
            kept["options"] = " ".join([*filter(None, [kept.get("options")]), *settings])
        # The libpq that comes with psycopg does not know where this system keeps its authorities.
        if self._trusts_system and (authorities := ssl.get_default_verify_paths().cafile):
            kept["sslrootcert"] = authorities
        return str(DatabaseUrl(self.user, self.password, self.location, self.database, tuple(kept.items())))

    def tls_context(self) -> ssl.SSLContext | None:
        """Give the context where the authorities of the system are asked for, which the driver cannot be."""
        return ssl.create_default_context() if self._trusts_system else None

    @property
    def _trusts_system(self) -> bool:
        return ("sslrootcert", "system") in self.parameters

    def __str__(self) -> str:
        password = f":{quote(self.password, safe='')}" if self.password else ""
        query = f"?{urlencode(self.parameters, quote_via=quote)}" if self.parameters else ""
        account = f"{quote(self.user, safe='')}{password}@" if self.user else ""
        return f"postgresql://{account}{self.location}/{quote(self.database, safe='')}{query}"

    def __repr__(self) -> str:
        return f"<DatabaseUrl {self.without_password}>"
