"""What a linter of PostgreSQL's migrations says about ours: nothing but what is meant so."""

import io
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory

from todo.migrations.runner import alembic_config

SQUAWK = Path(sys.executable).with_name("squawk")
# By revision and rule: how many findings are meant so, and why.
MEANT_SO = {
    ("0001", "prefer-text-field"): (1, "Alembic's own table"),
    ("0001", "prefer-bigint-over-int"): (1, "nobody changes one todo two thousand million times"),
    ("0001", "prefer-bigint-over-smallint"): (1, "there are four priorities"),
    ("0002", "prefer-bigint-over-smallint"): (1, "a status of HTTP"),
    ("0012", "ban-drop-constraint"): (1, "the same key in another order, built before, takes its place"),
    ("0015", "ban-drop-constraint"): (1, "likewise"),
    ("0017", "ban-drop-constraint"): (7, "others that say the same are there before"),
}


def sql_of(revision: str, previous: str | None) -> str:
    """Give a revision as the SQL it runs."""
    config = alembic_config()
    config.output_buffer = io.StringIO()
    command.upgrade(config, f"{previous or 'base'}:{revision}", sql=True)
    return config.output_buffer.getvalue()


def lint(sql: str) -> Counter[str]:
    """Give how often each rule finds something."""
    finished = subprocess.run(  # noqa: S603  # a tool of ours
        [
            SQUAWK,
            "--reporter=json",
            "--pg-version=15.0",
            "--stdin-filepath=revision.sql",
        ],
        input=sql,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode in {0, 1}, finished.stderr
    return Counter(finding["rule_name"] for finding in json.loads(finished.stdout))


def test_no_revision_does_what_is_known_to_stop_a_service() -> None:
    scripts = ScriptDirectory.from_config(alembic_config())
    found: Counter[tuple[str, str]] = Counter()
    for script in scripts.walk_revisions():
        previous = script.down_revision
        assert previous is None or isinstance(previous, str)
        for rule, count in lint(sql_of(script.revision, previous)).items():
            found[script.revision, rule] = count

    assert found == {where: count for where, (count, _) in MEANT_SO.items()}


def test_the_linter_finds_what_it_is_there_for() -> None:
    found = lint(
        "CREATE INDEX ix_todos_title ON todos (user_id, title);"
        "ALTER TABLE todos ADD COLUMN colour text NOT NULL;"
        "ALTER TABLE todos ALTER COLUMN version TYPE bigint;"
        "ALTER TABLE todos ADD CONSTRAINT colour CHECK (colour <> '');"
        "ALTER TABLE todos RENAME COLUMN title TO name;"
    )

    assert {
        "require-lock-timeout",
        "require-statement-timeout",
        "require-concurrent-index-creation",
        "adding-required-field",
        "changing-column-type",
        "constraint-missing-not-valid",
        "renaming-column",
    } <= found.keys()
