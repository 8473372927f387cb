"""What a design is made of: the same types for the running system and for a proposal."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

# What becomes part of a statement is checked by its form here, and quoted there.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")]
Path = Annotated[str, StringConstraints(pattern=r"^/[\w{}/.-]*$", max_length=200)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,62}$")]

# What stands in a statement as a value: it is quoted, and NUL cannot be.
Value = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=200)]

FieldType = Literal["string", "integer", "number", "boolean", "uuid", "timestamp", "date", "array", "object"]
FilterOp = Literal["eq", "lt", "lte", "gt", "gte", "any", "is_null", "is_not_null", "prefix", "search"]


# Columns that the server sets, and no client.
SERVERS_OWN = {"id", "created_at", "updated_at", "deleted_at", "version"}
NEW_INDEX = "new_"


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

    request: FeatureRequest = FeatureRequest(slug="feature", text="")
    api: ApiDesign = ApiDesign()
    db: SchemaDesign = SchemaDesign()
    auth: AuthDesign = AuthDesign()
    notes: list[str] = []
    tests: list[Proofs] = []
    files: list[str] = []
    waivers: list[Waiver] = []

    def endpoint(self, name: str) -> Endpoint | None:
        return next((endpoint for endpoint in self.api.endpoints if endpoint.name == name), None)

    def table(self, name: str | None) -> Table | None:
        return next((table for table in self.db.tables if table.name == name), None)

    def access(self, name: str) -> list[Access]:
        return [rule for rule in self.auth.rules if rule.endpoint == name]


def laid_over(live: Design, proposal: Design) -> Design:
    """Give the two together: what is named again is added to, what is removed is gone, the rest stays."""
    whole = _added(live, proposal)
    gone, endpoints, tables = set(proposal.api.renames), [], []
    for one in whole.api.endpoints:
        request, response = (
            [field for field in fields if field.name not in {*gone, *one.removes}]
            for fields in (one.request, one.response)
        )
        endpoints.append(one.model_copy(update={"request": request, "response": response}))
    for table in whole.db.tables:
        columns = [
            column.model_copy(update={"name": table.rename.get(column.name, column.name)})
            for column in table.columns
            if column.name not in table.drop
        ]
        new = live.table(table.name) is None
        tables.append(table.model_copy(update={"columns": columns, "new": new}))
    return Design(api=ApiDesign(endpoints=endpoints), db=SchemaDesign(tables=tables), auth=whole.auth)


def _added(before: Any, wanted: Any) -> Any:
    if isinstance(before, list):
        known = {_key(one): one for one in before}
        return list((known | {_key(one): _added(known.get(_key(one)), one) for one in wanted}).values())
    if not isinstance(before, _Part):
        return wanted
    fields = type(wanted).model_fields.items()
    said = {
        name: getattr(wanted, name) for name, field in fields if getattr(wanted, name) != field.get_default()
    }
    return before.model_copy(update={name: _added(getattr(before, name), one) for name, one in said.items()})


def _key(one: Any) -> str:
    return getattr(one, "name", None) or repr(one)


def with_index_names(proposal: Design) -> Design:
    """Name the new indexes, so that a plan tells which it uses."""
    tables = [
        table.model_copy(
            update={
                "indexes": [
                    index.model_copy(update={"name": f"{NEW_INDEX}{table.name}_{number}"})
                    for number, index in enumerate(table.indexes, start=1)
                ]
            }
        )
        for table in proposal.db.tables
    ]
    return proposal.model_copy(update={"db": proposal.db.model_copy(update={"tables": tables})})
