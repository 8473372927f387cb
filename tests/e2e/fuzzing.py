"""Lets Schemathesis ask everything the OpenAPI document allows and much that it forbids: `make fuzz`."""

import argparse
import json
import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from tests.e2e.product import Product
from tests.factories import AUDIENCE, Issuer
from tests.isolation.copies import Change, copy_source, open_policies
from tests.isolation.defects import ONE_FILTER_LESS

_ROOT = Path(__file__).parents[2]
_CONFIGURATION = Path(__file__).with_suffix(".toml")
_OF_SCENARIOS = "[phases.stateful.generation]\nmax-examples = {}\n"
_PEOPLE = ("alice", "bob")
# What Schemathesis calls an object that somebody else can read.
_LEAK = "ST402"
_LONGEST_RUN_SECONDS = 3_600
# Of requests that follow one another. Fewer may never have, for one, the number of a key that is still there.
_MANY_SCENARIOS = 150


def start_for_fuzzing(product: Product, issuer: Issuer, **environment: str) -> None:
    """Start a product in which people may ask as much as they like, and be deleted and begin anew."""
    product.start(
        TODO_AUTH_ISSUER=issuer.url,
        TODO_AUTH_JWKS_URL=f"{issuer.url}/jwks",
        TODO_AUTH_AUDIENCE=AUDIENCE,
        TODO_RATE_LIMIT="0",
        **environment,
    )


def fuzz(  # noqa: PLR0913  # what there is to say about it
    product: Product, issuer: Issuer, *, seed: int, examples: int, seconds: float, scenarios: int = 50
) -> "subprocess.CompletedProcess[str]":
    """Run all phases with all checks, so many examples of each operation, and give how it ended."""
    configuration = product.folder / _CONFIGURATION.name
    configuration.write_text(
        f"{_CONFIGURATION.read_text(encoding='utf-8')}\n{_OF_SCENARIOS.format(scenarios)}", encoding="utf-8"
    )
    people = product.folder / "people.json"
    people.write_text(json.dumps({"auth": [_signed_in(name, issuer) for name in _PEOPLE]}), encoding="utf-8")
    return subprocess.run(  # noqa: S603  # our own program
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", configuration),
            *("run", f"{product.address}/openapi.json", "--checks", "all"),
            *("--seed", str(seed), "--max-examples", str(examples)),
        ],
        cwd=_ROOT,
        env={**os.environ, "FUZZING_PEOPLE": str(people), "PYTHONPATH": str(_ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
    )


def _signed_in(name: str, issuer: Issuer) -> dict[str, object]:
    # A sign-in that stays recent, so that the account can be deleted at any time.
    now = int(time.time())
    token = issuer.token(str(uuid4()), exp=now + 86_400, auth_time=now)
    return {"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {token}"}]}


def plant_leak(folder: Path) -> Path:
    """Copy the source so that anybody may view any todo, and nothing stops them or notices."""
    [viewing] = [defect for defect in ONE_FILTER_LESS if defect.name == "no owner in viewing"]
    unnoticed = Change("serve/product.py", "await refuse_unbound_role(", "_ = (")
    source = copy_source(folder, (*viewing.changes, unnoticed))
    open_policies(source)
    return source


def main() -> int:
    """Run with one seed after the other, then on a planted leak; 1 unless only that is found."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.fuzzing", description=__doc__)
    parser.add_argument("--examples", type=int, default=100, help="of each operation")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    asked = parser.parse_args()
    with TemporaryDirectory() as folder, Issuer.running() as issuer:
        with closing(Product(Path(folder) / "sound")) as product:
            start_for_fuzzing(product, issuer)
            found = [_run(product, issuer, seed, asked.examples) for seed in asked.seeds]
        with closing(Product(Path(folder) / "leaking")) as product:
            start_for_fuzzing(product, issuer, PYTHONPATH=str(plant_leak(Path(folder) / "source")))
            is_leak_found = _LEAK in _run(product, issuer, 1, 5)
    _tell(f"The planted leak was {'found' if is_leak_found else 'NOT FOUND'}.")
    return int(any(found) or not is_leak_found)


def _run(product: Product, issuer: Issuer, seed: int, examples: int) -> str:
    """Give what was said if something was found."""
    ended = fuzz(
        product,
        issuer,
        seed=seed,
        examples=examples,
        seconds=_LONGEST_RUN_SECONDS,
        scenarios=_MANY_SCENARIOS,
    )
    _tell(ended.stdout)
    return ended.stdout if ended.returncode else ""


def _tell(text: str) -> None:
    print(text, flush=True)  # noqa: T201  # this is the program's voice


if __name__ == "__main__":
    sys.exit(main())
