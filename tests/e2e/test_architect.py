"""The architect's door for agents of developers, on the really started product with the official client."""

import shutil
from typing import Any

from tests.architect.cases import REJECTED
from tests.e2e.apps import App, Browser
from tests.e2e.people import People
from tests.e2e.product import Product
from tests.isolation.copies import ROOT
from todo.architect.brief import ROLES, instructions_of


async def test_an_agent_of_a_developer_has_a_design_judged_where_that_was_asked_for(
    own_product: Product, people: People
) -> None:
    shutil.copytree(ROOT / ".specify", own_product.folder / ".specify")
    own_product.start(TODO_ARCHITECT="1")
    account = await people.newcomer(own_product)
    app = App(own_product, account, await Browser.of(own_product, account, people))

    async with app.connected() as agent:
        tools = {tool.name for tool in (await agent.list_tools()).tools}
        prompts = {prompt.name for prompt in (await agent.list_prompts()).prompts}
        told = (await agent.get_prompt("db-schema-manager")).messages[0].content
        result = await agent.call_tool("architect_verify", {"design": REJECTED.model_dump(mode="json")})

    verdict: Any = result.structured_content
    assert tools >= {"architect_brief", "architect_verify"}
    assert prompts >= set(ROLES)
    assert told.type == "text"
    assert told.text == instructions_of("db-schema-manager")
    assert (verdict["outcome"], {one["rule"] for one in verdict["findings"]}) == ("rejected", {"IDX-1"})
