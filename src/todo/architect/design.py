"""What a design is made of: the same types for the running system and for a proposal."""

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")]
Path = Annotated[str, StringConstraints(pattern=r"^/[\w{}/.-]*$", max_length=200)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
# What PostgreSQL reads; it is run where nothing stays, as a role that can reach nothing else.
Sql = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=4000)]
FieldType = Literal["string", "integer", "number", "boolean", "uuid", "timestamp", "date", "array", "object"]
# How hard a change of the schema is on what runs.
Migration = Literal["none", "expand", "transform", "contract"]
FROM_LEAST_TO_MOST: tuple[Migration, ...] = get_args(Migration)
# Columns that the server sets, and no client.
SERVERS_OWN = {"id", "created_at", "updated_at", "deleted_at", "version"}


def slug_of(text: str) -> str:
    """Name a feature or a decision after its words."""
    slug = "-".join(re.findall(r"[a-z0-9]+", text.lower())).lstrip("-0123456789")
    return slug[:40].rstrip("-") or "feature"


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


class SchemaDesign(_Part):
    """The schema manager's half: what is kept, and how hard the way there is on what runs."""

    changes: list[Change] = []
    migration: Migration = "none"
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


class Waiver(_Part):
    """A finding that is accepted, and why; told wherever the design is."""

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

    def over(self, live: "Design") -> "Design":
        """Give the two together: what is named again is added to, what is removed is gone, the rest stays."""
        endpoints = {one.name: one for one in live.api.endpoints}
        for one in self.api.endpoints:
            endpoints[one.name] = _added(endpoints[one.name], one) if one.name in endpoints else one
        rules = [one for one in live.auth.rules if not self.access(one.name)] + self.auth.rules
        api, auth = ApiDesign(endpoints=list(endpoints.values())), AuthDesign(rules=rules)
        # What becomes of the tables is PostgreSQL's to say.
        return Design(api=api, auth=auth, db=live.db)


def _added(before: Endpoint, wanted: Endpoint) -> Endpoint:
    said: dict[str, Any] = {name: getattr(wanted, name) for name in wanted.model_dump(exclude_defaults=True)}
    for name in ("request", "response", "success", "errors"):
        whole = {getattr(it, "name", it): it for it in [*getattr(before, name), *said.get(name, [])]}
        said[name] = [it for key, it in whole.items() if key not in wanted.removes]
    return before.model_copy(update=said)
