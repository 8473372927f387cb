"""What is kept of a design: the record of its prompt, and the decision if the person wants one."""

from datetime import date
from pathlib import Path

from todo.architect.facts import slug_of
from todo.architect.findings import Verdict
from todo.architect.model import Design
from todo.problems import CannotStart

RECORDS = Path("history/prompts")
DECISIONS = Path("docs/adr")


def write_record(root: Path, design: Design, verdict: Verdict, files: list[str], course: list[str]) -> str:
    """Write the record of one prompt, of facts alone, and give its name."""
    slug = design.request.slug if design.request else "feature"
    number = _next(root / RECORDS, "*/[0-9]*.md")
    path = root / RECORDS / slug / f"{number}-{slug}.plan.prompt.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    looked_at = ", ".join(f"{rule} {count}" for rule, count in verdict.examined.items() if count)
    path.write_text(
        "\n".join(
            [
                "---",
                f"id: {number}",
                f"title: {slug}",
                "stage: plan",
                f"date: {date.today().isoformat()}",  # noqa: DTZ011  # the day where it is written
                f"feature: {slug}",
                "command: todo architect",
                f"files: {', '.join(files)}",
                "---",
                "",
                "## Prompt",
                "",
                *(f"> {line}" for line in (design.request.text if design.request else slug).splitlines()),
                "",
                "## Response snapshot",
                "",
                f"{verdict.outcome.capitalize()}; looked at: {looked_at}.",
                "",
                "## Outcome",
                "",
                *(f"- {line}" for line in [*course, *(f"Written: `{name}`" for name in files)]),
                "",
            ]
        ),
        encoding="utf-8",
    )
    return path.relative_to(root).as_posix()


def suggestion(design: Design) -> str | None:
    """Say which decision is worth a page of its own; it is written only when the person asks for it."""
    new = [table.name for table in design.db.tables if table.new]
    if not new and not design.api.renames and not any(table.drop for table in design.db.tables):
        return None
    about = f"new: {', '.join(new)}" if new else "what is there changes"
    slug = design.request.slug if design.request else "feature"
    return f'Worth a decision record ({about}): todo architect adr "<the decision as a sentence>" {slug}.json'


def write_decision(root: Path, title: str, design: Design) -> str:
    """Write a decision as a draft with what the design knows, and give its name."""
    number = _next(root / DECISIONS, "[0-9]*.md")
    path = root / DECISIONS / f"{number}-{slug_of(title)}.md"
    if not path.parent.is_dir():
        raise CannotStart(
            f"There is no {DECISIONS} here: go to the project's folder, or name it with --root."
        )
    tests = [f"`{name}`" for proof in design.tests for name in proof.integration]
    sections = {
        "Context": [design.request.text if design.request else title],
        "Decision": [f"{title}.", *(f"- {note}" for note in design.notes)],
        "Consequences": [f"- {one.rule} is waived at {one.where}: {one.reason}" for one in design.waivers]
        or [f"The migration is: {design.db.migration}."],
        "Alternatives": [f"- {name}: {said}" for name, said in _answers(design).items()]
        or ["None was asked for."],
        "Check that keeps it": [", ".join(tests) or "`todo architect check`"],
    }
    lines = [f"# {number}: {title}", ""]
    for heading, said in sections.items():
        lines += [f"## {heading}", "", *said, ""]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path.relative_to(root).as_posix()


def _answers(design: Design) -> dict[str, str]:
    return design.request.answers if design.request else {}


def _next(folder: Path, pattern: str) -> str:
    taken = [int(path.name[:4]) for path in folder.glob(pattern)]
    return f"{max(taken, default=0) + 1:04}"
