"""What a design is made of: the same types for the running system and for a proposal."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")]
Path = Annotated[str, StringConstraints(pattern=r"^/[\w{}/.-]*$", max_length=200)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,62}$")]

# What PostgreSQL reads; it is run where nothing stays, as a role that can reach nothing else.
Sql = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=4000)]

FieldType = Literal["string", "integer", "number", "boolean", "uuid", "timestamp", "date", "array", "object"]

# Columns that the server sets, and no client.
SERVERS_OWN = {"id", "created_at", "updated_at", "deleted_at", "version"}


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


class Endpoint(_Part):
    """One operation. Of one that is there already, what is named here is added to what it has.

    Of a list, `where` is the condition of its rows. `filters` gives the condition that a parameter adds, with
    the parameter's value as `$2`; `sorts` gives the columns of each order, the tie-breaker last.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: Path
    operation_id: Name
    table: Name | None = None
    summary: str = ""
    request: list[Field] = []
    response: list[Field] = []
    filters: dict[Name, Sql] = {}
    sorts: dict[str, Sql] = {}
    where: Sql = "true"
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


class Change(_Part):
    """A statement that brings about what is proposed of a table, and why."""

    table: Name
    sql: Sql
    because: str = ""

    @property
    def is_new(self) -> bool:
        return self.sql.upper().startswith("CREATE TABLE")

    @property
    def is_update(self) -> bool:
        return self.sql.upper().startswith("UPDATE")


class Migration(StrEnum):
    """How hard a change of the schema is on what runs, from least to most."""

    NONE = "none"
    EXPAND = "expand"
    TRANSFORM = "transform"
    CONTRACT = "contract"

    @property
    def weight(self) -> int:
        return list(Migration).index(self)

    @property
    def is_gentle(self) -> bool:
        """Whether what is there stays as it is."""
        return self.weight <= Migration.EXPAND.weight


class SchemaDesign(_Part):
    """The schema manager's half: what is kept."""

    changes: list[Change] = []
    migration: Migration = Migration.NONE
    backfill: str | None = None

    @property
    def by_table(self) -> dict[str, list[Change]]:
        """Give the changes of each table."""
        tables = dict.fromkeys(change.table for change in self.changes)
        return {name: [change for change in self.changes if change.table == name] for name in tables}


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

    def access(self, name: str) -> list[Access]:
        return [rule for rule in self.auth.rules if rule.endpoint == name]


def laid_over(live: Design, proposal: Design) -> Design:
    """Give the two together: what is named again is added to, what is removed is gone, the rest stays."""
    whole, endpoints = _added(live, proposal), []
    for one in whole.api.endpoints:
        request, response = (
            [field for field in fields if field.name not in one.removes]
            for fields in (one.request, one.response)
        )
        endpoints.append(one.model_copy(update={"request": request, "response": response}))
    return Design(api=ApiDesign(endpoints=endpoints), db=whole.db, auth=whole.auth)


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
