"""Everything an operator can set, read once in the entry point and handed down."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

import platformdirs
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_DEFAULT_PORTS = {"http": 80, "https": 443}
PortNumber = Annotated[int, Field(ge=1, le=65535)]


def _default_data_dir() -> Path:
    # Not root's home: the database runs as a user of its own, who must be able to get there.
    if os.geteuid() == 0:
        return Path("/var/lib/todo-evolution")
    return platformdirs.user_data_path("todo-evolution", appauthor=False)


class Settings(BaseSettings):
    """The operator's choices: environment variables prefixed `TODO_`, then `.env`, then these defaults."""

    model_config = SettingsConfigDict(
        env_prefix="TODO_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    host: str = "127.0.0.1"
    port: PortNumber = 8000
    origin: str = ""
    data_dir: Path = Field(default_factory=_default_data_dir)
    workers: int = Field(1, ge=1, le=64)
    secret: SecretStr | None = Field(None, min_length=32)

    database_url: SecretStr | None = None
    app_database_url: SecretStr | None = None
    pool_size: int = Field(8, ge=1, le=200)

    rate_limit: int = Field(1200, ge=0, le=1_000_000)
    quota: int = Field(100_000, ge=0)
    batch_limit: int = Field(100, ge=1, le=100)
    agent_writes: int = Field(1000, ge=0, le=1_000_000)
    trash_days: int = Field(30, ge=0, le=36_500)

    architect: bool = False
    architect_model: str | None = None

    log_format: Literal["text", "json"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    metrics_token: SecretStr | None = Field(None, min_length=16)

    api_key: SecretStr | None = None

    trusted_proxies: str = ""
    sign_up: Literal["open", "closed"] = "open"
    auth_issuer: str | None = None
    auth_jwks_url: str | None = None
    auth_audience: str | None = None
    auth_mcp_audience: str | None = None

    @field_validator("origin")
    @classmethod
    def _bare_origin(cls, value: str) -> str:
        if not value:
            return value
        address = urlsplit(value)
        if address.scheme not in _DEFAULT_PORTS or not address.hostname or address.path.strip("/"):
            raise ValueError("must be like https://todo.example, without a path")
        return _origin(address.scheme, address.hostname, address.port)

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @model_validator(mode="after")
    def _outside_issuer_is_whole(self) -> Self:
        if (self.auth_issuer is None) != (self.auth_jwks_url is None):
            raise ValueError("TODO_AUTH_ISSUER and TODO_AUTH_JWKS_URL go together: set both or neither")
        return self

    @property
    def public_origin(self) -> str:
        """The address people and tokens know this service by."""
        return self.origin or _origin("http", "localhost", self.port)

    @property
    def limits(self) -> "Limits":
        """What one person may do and have."""
        return Limits(self.rate_limit, self.quota, self.batch_limit, self.agent_writes)

    @property
    def runs_auth_server(self) -> bool:
        """Whether sign-in is ours; false when an outside issuer is set."""
        return self.auth_issuer is None


def _origin(scheme: str, host: str, port: int | None) -> str:
    # As browsers write it, because tokens and cookies compare it letter by letter.
    host = f"[{host}]" if ":" in host else host
    is_default = port in {None, _DEFAULT_PORTS[scheme]}
    return f"{scheme}://{host}" if is_default else f"{scheme}://{host}:{port}"


@dataclass(frozen=True)
class Limits:
    """How much a person may do and have, and their agents.

    Requests a minute, todos with the trash, operations in a batch, and todos that one agent may change in an
    hour. 0 is no limit, but for the batch.
    """

    rate_limit: int
    quota: int
    batch_limit: int
    agent_writes: int


@dataclass(frozen=True)
class Wiring:
    """What one worker needs to serve, resolved from the settings when the product starts."""

    origin: str
    database_url: str = field(repr=False)
    # Past any pooler, which would not pass notifications on; where it is None, nobody listens.
    listen_url: str | None = field(repr=False)
    pool_size: int
    schema_revision: str
    secret: bytes = field(repr=False)
    issuer: str
    audience: str
    mcp_audience: str
    jwks_url: str
    auth_socket: str | None
    limits: Limits
    runtime_folder: str | None
    metrics_token: bytes | None = field(repr=False)
    traces: bool

    @property
    def metrics_folder(self) -> str | None:
        """Where the processes of one installation keep their counts; None where there is only one."""
        return None if self.runtime_folder is None else f"{self.runtime_folder}/metrics"
