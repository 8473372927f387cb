"""What whoever designs has to know: the running system in a few kilobytes, and the form of a design."""

import json
import re
from importlib.resources import files

from todo.architect.bench import Bench
from todo.architect.design import Design, FeatureRequest
from todo.architect.rules import RULES

ROLES = ("backend-architect", "api-designer", "db-schema-manager", "auth-specialist")
_BRIEF = """\
# Brief: {request.text}

Write a design as JSON and have the running system judge it:

    todo architect verify {request.slug}.json

Its `request` is `{asked}`.

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
    return re.sub(r"\A---\n.*?\n---\n\n", "", text, flags=re.DOTALL)


def facts(bench: Bench) -> str:
    """Give the running system in the form of a design, what has been decided, and the rules that judge."""
    live, decided = bench.live, bench.constitution.answers.items()
    parts = {
        "Endpoints": [one.model_dump_json(exclude_defaults=True) for one in live.design.api.endpoints],
        "Tables": [one.sql for one in live.design.db.changes],
        "Claims that tokens carry": sorted(bench.claims),
        "Decided": [f"- {kind}, {about}: {said}" for kind, one in decided for about, said in one.items()],
        "Rules that judge": [f"- {it.id}: {it.says}" for it in RULES.values() if it.only != "check"],
    }
    told = (f"## {heading}\n" + "\n".join(lines) + "\n" for heading, lines in parts.items())
    return "# The running system\n" + "".join(told)


def brief(request: FeatureRequest, bench: Bench) -> str:
    """Give everything an agent or a person needs to write a design by hand."""
    questions = [f"- `{it.id}`: {it.question} ({' | '.join(it.options)})" for it in bench.questions(request)]
    return _BRIEF.format(
        request=request,
        asked=request.model_dump_json(exclude={"components"}),
        questions="\n".join(questions) or "None that can be seen from the words; ask what you need.",
        roles="".join(f"## {role}\n\n{instructions_of(role)}\n" for role in ROLES),
        facts=facts(bench),
        form=json.dumps(Design.model_json_schema(), separators=(",", ":")),
    )
