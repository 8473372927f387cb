"""The files under specs/ say what the running code does."""

import json
from pathlib import Path

from tests.factories import Service
from todo.app import create_app
from todo.architect.bench import system_facts
from todo.architect.specs import out_of_date
from todo.database.url import DatabaseUrl

ROOT = Path(__file__).parents[2]


async def test_nothing_under_specs_is_out_of_date(server: DatabaseUrl) -> None:
    facts, _ = await system_facts(server, create_app)

    assert sorted(out_of_date(ROOT, facts)) == [], "out of date: run `make specs`"


async def test_the_openapi_document_in_specs_is_the_one_that_is_served(service: Service) -> None:
    served = (await service.client.get("/openapi.json")).json()

    assert served == json.loads((ROOT / "specs/api/openapi.json").read_text(encoding="utf-8"))
