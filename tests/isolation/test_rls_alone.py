"""Row-level security alone is enough: without filters of its own the service passes the tests of todos."""

from pathlib import Path

from tests.isolation.copies import copy_source, run_on
from tests.isolation.defects import NO_FILTERS

# `make planted` runs all tests of all features so.
TESTS = [
    f"tests/features/todos/test_{name}.py" for name in ("api", "batch", "changes", "list", "safe_retries")
]


def test_without_its_own_filters_the_service_passes_the_tests_of_todos(tmp_path: Path) -> None:
    source = copy_source(tmp_path, NO_FILTERS.changes)

    ended = run_on(source, "tests.isolation.on_copy", str(source), *TESTS)

    assert ended.returncode == 0, ended.stdout
