"""What whoever designs has to know: the running system in a few kilobytes, and the form of a design."""

import json
import re
from collections.abc import Iterable
from importlib.resources import files

from todo.architect.decisions import Decisions
from todo.architect.findings import RULES, Clarification
from todo.architect.live import Live
from todo.architect.model import Design

ROLES = ("backend-architect", "api-designer", "db-schema-manager", "auth-specialist")
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n\n", re.DOTALL)
_BRIEF = """\
# Brief: {request}

Write a design as JSON and have the running system judge it:

    todo architect verify {slug}.json

Its `request` is `{{"slug": "{slug}", "text": {text}, "answers": {{…}}}}`.

## Open questions

{questions}

{roles}
{facts}
# The form of a design

```json
{form}
```
"""


def instructions_of(role: str) -> str:
    """Give what a role is told; the agent files are the one place where it is written."""
    text = files("todo.architect").joinpath(f"agents/{role}.md").read_text(encoding="utf-8")
    return _FRONT_MATTER.sub("", text)


def slug_of(text: str) -> str:
    """Name a feature after its request."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    return "-".join(words)[:40].strip("-") or "feature"


def facts(live: Live, decisions: Decisions) -> str:
    """Give the running system in the form of a design, what has been decided, and the rules that judge."""
    parts = [
        "# The running system",
        "## Endpoints",
        *(one.model_dump_json(exclude_defaults=True) for one in live.design.api.endpoints),
        "## Tables",
        *(
            one.model_dump_json(exclude_defaults=True, exclude={"definitions"})
            for one in live.design.db.tables
        ),
        "## Claims that tokens carry",
        ", ".join(sorted(live.evidence.claims)),
        "## Decided",
        *(
            f"- {kind}, {about}: {said}"
            for kind, one in decisions.answers.items()
            for about, said in one.items()
        ),
        "## Rules that will judge the design",
        *(f"- {rule.id}: {rule.says}" for rule in RULES.values() if "verify" in rule.phases),
    ]
    return "\n".join(parts) + "\n"


def brief(request: str, live: Live, decisions: Decisions, questions: Iterable[Clarification]) -> str:
    """Give everything an agent or a person needs to write a design by hand."""
    asked = [f"- `{one.id}`: {one.question} ({' | '.join(one.options)})" for one in questions]
    return _BRIEF.format(
        request=request,
        slug=slug_of(request),
        text=json.dumps(request),
        questions="\n".join(asked) or "None that can be seen from the words; ask what you need.",
        roles="".join(f"## {role}\n\n{instructions_of(role)}\n" for role in ROLES),
        facts=facts(live, decisions),
        form=json.dumps(Design.model_json_schema(), separators=(",", ":")),
    )
