"""What whoever designs has to know: the running system in a few kilobytes, and the form of a design."""

import json
import re
from collections.abc import Iterable
from importlib.resources import files

from todo.architect.decisions import Decisions
from todo.architect.findings import RULES, Clarification
from todo.architect.live import Live
from todo.architect.model import Design, Endpoint, Table

ROLES = ("backend-architect", "api-designer", "db-schema-manager", "auth-specialist")
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n\n", re.DOTALL)


def instructions_of(role: str) -> str:
    """Give what a role is told; the agent files are the one place where it is written."""
    text = files("todo.architect").joinpath(f"agents/{role}.md").read_text(encoding="utf-8")
    return _FRONT_MATTER.sub("", text)


def slug_of(text: str) -> str:
    """Name a feature after its request."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    return "-".join(words)[:40].strip("-") or "feature"


def facts(live: Live, decisions: Decisions) -> str:
    """Give the running system: endpoints, tables, claims, what has been decided, and the rules that judge."""
    parts = [
        "# The running system",
        "## Endpoints",
        *(_endpoint(endpoint) for endpoint in live.design.api.endpoints),
        "## Tables",
        *(_table(table) for table in live.design.db.tables),
        "## Claims that tokens carry",
        ", ".join(sorted(live.evidence.claims)),
        "## Decided",
        *(
            f"- {question}, {about}: {answer}"
            for question, answers in decisions.answers.items()
            for about, answer in answers.items()
        ),
        "## Rules that will judge the design",
        *(f"- {rule.id}: {rule.says}" for rule in RULES.values() if "verify" in rule.phases),
    ]
    return "\n".join(parts) + "\n"


def brief(request: str, live: Live, decisions: Decisions, questions: Iterable[Clarification]) -> str:
    """Give everything an agent or a person needs to write a design by hand."""
    slug = slug_of(request)
    asked = [f"- `{one.id}`: {one.question} ({' | '.join(one.options)})" for one in questions] or [
        "None that can be seen from the words; ask what you need."
    ]
    return "\n".join(
        [
            f"# Brief: {request}",
            "",
            "Write a design as JSON and have the running system judge it:",
            "",
            f"    todo architect verify {slug}.json",
            "",
            f'Its `request` is `{{"slug": "{slug}", "text": {json.dumps(request)}, "answers": {{…}}}}`.',
            "",
            "## Open questions",
            "",
            *asked,
            "",
            *(f"## {role}\n\n{instructions_of(role)}" for role in ROLES),
            facts(live, decisions),
            "# The form of a design",
            "",
            f"```json\n{json.dumps(Design.model_json_schema(), separators=(',', ':'))}\n```",
            "",
        ]
    )


def _endpoint(endpoint: Endpoint) -> str:
    taken = ", ".join(field.name for field in endpoint.request)
    shown = ", ".join(field.name for field in endpoint.response)
    codes = ", ".join(map(str, [*endpoint.success, *endpoint.errors]))
    about = f" about {endpoint.table}" if endpoint.table else ""
    return f"- {endpoint.name} `{endpoint.operation_id}`{about}: takes ({taken}), gives ({shown}); {codes}"


def _table(table: Table) -> str:
    columns = ", ".join(
        f"{column.name} {column.type}{'' if column.nullable else ' not null'}" for column in table.columns
    )
    indexes = "; ".join(
        f"({', '.join(index.columns)}){f' where {index.predicate}' if index.predicate else ''}"
        for index in table.indexes
    )
    key = ", ".join(table.primary_key)
    return f"- {table.name} (owner: {table.owner}; key: {key}): {columns}. Indexes: {indexes or 'none'}"
