"""What a design is made of: the same types for the running system and for a proposal."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any, Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints

# What becomes part of a statement is checked by its form here, and quoted there.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")]
Path = Annotated[str, StringConstraints(pattern=r"^/[\w{}/.-]*$", max_length=200)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,62}$")]

# What stands in a statement as a value: it is quoted, and NUL cannot be.
Value = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=200)]

FieldType = Literal["string", "integer", "number", "boolean", "uuid", "timestamp", "date", "array", "object"]
FilterOp = Literal["eq", "lt", "lte", "gt", "gte", "any", "is_null", "is_not_null", "prefix", "search"]


_NEW = "new_"
_Named = TypeVar("_Named", bound="HasName")


class HasName(Protocol):
    """Whatever is known by a name."""

    @property
    def name(self) -> str: ...


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FeatureRequest(_Part):
    """What was asked for, and what was answered to the questions about it."""

    slug: Slug
    text: str
    components: list[Literal["api", "db", "auth", "mcp"]] = ["api", "db", "auth"]
    answers: dict[str, str] = {}

    @property
    def name(self) -> str:
        return "the request"


class Field(_Part):
    """A member of a request or an answer; `computed` says how one without a column comes about."""

    name: Name
    type: FieldType
    required: bool = True
    nullable: bool = False
    max_length: int | None = None
    values: list[str] | None = None
    computed: str | None = None


class Condition(_Part):
    """A condition of a query or of a partial index; never SQL text."""

    column: Name
    op: FilterOp
    value: Value | None = None


class Filter(_Part):
    """A parameter that narrows a list, and the column it asks."""

    name: Name
    column: Name
    op: FilterOp = "eq"


class Sort(_Part):
    """An order of a list, and the column it goes by; equal values go by the tie-breaker."""

    name: Annotated[str, StringConstraints(pattern=r"^-?[A-Za-z_][A-Za-z0-9_]{0,62}$")]
    column: Name
    descending: bool = False
    tie_breaker: Name | None = "id"


class Endpoint(_Part):
    """One operation. Of one that is there already, what is named here is added to what it has."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: Path
    operation_id: Name
    table: Name | None = None
    summary: str = ""
    request: list[Field] = []
    response: list[Field] = []
    filters: list[Filter] = []
    sorts: list[Sort] = []
    where: list[Condition] = []
    success: list[int] = [200]
    errors: list[int] = []
    listing: bool = False
    paged: bool = False
    strict: bool = True
    removes: list[Name] = []
    mcp_tool: Name | None = None
    no_tool_because: str | None = None

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_item(self) -> bool:
        return "{" in self.path

    @property
    def is_write(self) -> bool:
        return self.method != "GET"

    @property
    def collection(self) -> str:
        """The address of what it is one of, or its own."""
        return self.path.partition("/{")[0]


class ApiDesign(_Part):
    """The API designer's half: what is said over HTTP."""

    endpoints: list[Endpoint] = []
    renames: dict[str, Name] = {}


class Column(_Part):
    """A column. `default` is a value, or one of the functions that are allowed."""

    name: Name
    type: str
    nullable: bool = True
    default: Value | None = None
    max_length: int | None = None
    values: list[Value] | None = None
    computed: bool = False

    @property
    def must_be_given(self) -> bool:
        return not self.nullable and self.default is None and not self.computed


class Index(_Part):
    """An index; a column may be followed by ASC or DESC."""

    columns: list[str]
    where: list[Condition] = []
    unique: bool = False
    method: Literal["btree", "gin", "hash"] = "btree"
    rationale: str = ""
    name: str | None = None
    predicate: str | None = None

    @property
    def column_names(self) -> list[str]:
        return [column.split()[0] for column in self.columns]

    @property
    def is_new(self) -> bool:
        return bool(self.name and self.name.startswith(_NEW))


class ForeignKey(_Part):
    """A reference to another table."""

    columns: list[Name]
    table: Name
    references: list[Name]
    on_delete: Literal["CASCADE", "RESTRICT", "SET NULL"] | None = None


class Table(_Part):
    """A table. Of one that is there already, what is named here is added to what it has."""

    name: Name
    new: bool = False
    columns: list[Column] = []
    drop: list[Name] = []
    rename: dict[Name, Name] = {}
    primary_key: list[Name] = []
    unique: list[list[Name]] = []
    foreign_keys: list[ForeignKey] = []
    indexes: list[Index] = []
    owner: Name | None = None

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)

    def has_key(self, columns: list[str]) -> bool:
        """Whether an index of all its rows begins with these columns, in whatever order."""
        whole = (index.column_names for index in self.indexes if not index.predicate)
        keys = [self.primary_key, *self.unique, *whole]
        return any(set(key[: len(columns)]) == set(columns) for key in keys)


class Migration(StrEnum):
    """How hard a change of the schema is on what runs, from least to most."""

    NONE = "none"
    EXPAND = "expand"
    TRANSFORM = "transform"
    CONTRACT = "contract"

    @property
    def weight(self) -> int:
        return list(Migration).index(self)


class SchemaDesign(_Part):
    """The schema manager's half: what is kept."""

    tables: list[Table] = []
    migration: Migration = Migration.NONE
    backfill: str | None = None

    @property
    def owners(self) -> dict[str, str]:
        return {table.name: table.owner for table in self.tables if table.owner is not None}


class Access(_Part):
    """Who may use an endpoint, and what is checked."""

    endpoint: str
    level: Literal["public", "authenticated", "role"] = "authenticated"
    ownership: bool = True
    claims: list[str] = ["sub"]
    scope: str | None = None
    foreign: Literal[403, 404] | None = None
    checks: list[str] = []

    @property
    def name(self) -> str:
        return self.endpoint


class AuthDesign(_Part):
    """The auth specialist's half: who may."""

    rules: list[Access] = []


class Proofs(_Part):
    """What is to be tested of one endpoint, each as a sentence with an outcome."""

    endpoint: str
    unit: list[str] = []
    integration: list[str] = []
    edge: list[str] = []

    @property
    def by_kind(self) -> dict[str, list[str]]:
        return {"unit": self.unit, "integration": self.integration, "edge": self.edge}


class Waiver(_Part):
    """A finding that is accepted, and why; printed wherever the design is."""

    rule: str
    where: str
    reason: str


class Design(_Part):
    """A design: the running system's, or one that is proposed on top of it."""

    request: FeatureRequest | None = None
    api: ApiDesign = ApiDesign()
    db: SchemaDesign = SchemaDesign()
    auth: AuthDesign = AuthDesign()
    notes: list[str] = []
    tests: list[Proofs] = []
    files: list[str] = []
    waivers: list[Waiver] = []

    @property
    def slug(self) -> str:
        return self.request.slug if self.request else "feature"

    @property
    def asked(self) -> str:
        return self.request.text if self.request else self.slug

    def endpoint(self, name: str) -> Endpoint | None:
        return next((endpoint for endpoint in self.api.endpoints if endpoint.name == name), None)

    def table(self, name: str | None) -> Table | None:
        return next((table for table in self.db.tables if table.name == name), None)

    def access(self, name: str) -> list[Access]:
        return [rule for rule in self.auth.rules if rule.endpoint == name]


def over(live: Design, proposal: Design) -> Design:
    """Give the two together: what is named again is added to, all else is as it was."""
    ruled = {access.endpoint for access in proposal.auth.rules}
    gone = set(proposal.api.renames)
    endpoints = [_endpoint(one, live.endpoint(one.name), gone) for one in proposal.api.endpoints]
    tables = [_table(one, live.table(one.name)) for one in proposal.db.tables]
    rules = [*(one for one in live.auth.rules if one.endpoint not in ruled), *proposal.auth.rules]
    return Design(
        api=ApiDesign(endpoints=_together(live.api.endpoints, endpoints)),
        db=SchemaDesign(tables=_together(live.db.tables, tables)),
        auth=AuthDesign(rules=rules),
    )


def with_index_names(proposal: Design) -> Design:
    """Name the new indexes, so that a plan tells which it uses."""

    def named(table: Table) -> Table:
        indexes = [
            index.model_copy(update={"name": f"{_NEW}{table.name}_{number}"})
            for number, index in enumerate(table.indexes, start=1)
        ]
        return table.model_copy(update={"indexes": indexes})

    tables = [named(table) for table in proposal.db.tables]
    return proposal.model_copy(update={"db": proposal.db.model_copy(update={"tables": tables})})


def _together(before: Iterable[_Named], wanted: Iterable[_Named]) -> list[_Named]:
    return list({one.name: one for one in [*before, *wanted]}.values())


def _endpoint(wanted: Endpoint, before: Endpoint | None, renamed: set[str]) -> Endpoint:
    if before is None:
        return wanted
    gone = {*wanted.removes, *renamed}
    added: dict[str, Any] = {"errors": sorted({*before.errors, *wanted.errors})}
    for part in ("request", "response"):
        kept = [field for field in getattr(before, part) if field.name not in gone]
        added[part] = _together(kept, getattr(wanted, part))
    for part in ("table", "listing", "paged", "mcp_tool"):
        added[part] = getattr(wanted, part) or getattr(before, part)
    kept_parts = {"operation_id": before.operation_id, "success": before.success, "strict": before.strict}
    return wanted.model_copy(update=kept_parts | added)


def _table(wanted: Table, before: Table | None) -> Table:
    if before is None:
        return wanted.model_copy(update={"new": True})
    kept = [
        column.model_copy(update={"name": wanted.rename.get(column.name, column.name)})
        for column in before.columns
        if column.name not in wanted.drop
    ]
    parts = ("foreign_keys", "indexes", "unique")
    added = {part: getattr(before, part) + getattr(wanted, part) for part in parts}
    return before.model_copy(update={"columns": _together(kept, wanted.columns), **added})
