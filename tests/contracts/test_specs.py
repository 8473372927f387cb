"""The files under specs/ say what the running code does."""

import json
from pathlib import Path

from tests.factories import Service

ROOT = Path(__file__).parents[2]


async def test_the_openapi_document_in_specs_is_the_one_that_is_served(service: Service) -> None:
    served = (await service.client.get("/openapi.json")).json()

    assert served == json.loads((ROOT / "specs/api/openapi.json").read_text(encoding="utf-8"))
