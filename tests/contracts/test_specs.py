"""The files under specs/ say what the running code does."""

import pytest

from scripts.specs import (
    NOUNS,
    SPECS,
    TABLES,
    openapi_json,
    operations_block,
    tables_block,
    tools_json,
    with_block,
)
from tests.factories import Service, migrate_only, new_database
from todo.database.url import DatabaseUrl

REWRITE = "out of date: run `make specs`"


async def test_the_openapi_document_is_the_one_in_specs(service: Service) -> None:
    served = (await service.client.get("/openapi.json")).json()

    assert openapi_json() == (SPECS / "api/openapi.json").read_text(encoding="utf-8"), REWRITE
    assert served["paths"].keys() == {path for path in served["paths"] if f'"{path}"' in openapi_json()}


async def test_the_tools_are_the_ones_in_specs() -> None:
    assert await tools_json() == (SPECS / "api/tools.json").read_text(encoding="utf-8"), REWRITE


@pytest.mark.parametrize("noun", NOUNS)
def test_the_operations_are_the_ones_in_specs(noun: str) -> None:
    page = (SPECS / f"api/{noun}.md").read_text(encoding="utf-8")

    assert with_block(page, operations_block(NOUNS[noun])) == page, REWRITE


async def test_the_tables_are_the_ones_in_specs(server: DatabaseUrl) -> None:
    async with new_database(server) as url:
        await migrate_only(url)

        for name, tables in TABLES.items():
            page = (SPECS / f"database/{name}.md").read_text(encoding="utf-8")
            assert with_block(page, await tables_block(url, tables)) == page, REWRITE
