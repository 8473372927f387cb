"""What the README says about connecting agents, taken at its word on the started product."""

import json
import re
import shlex
from pathlib import Path

import pytest

from tests.clients.inspector import SIGN_IN_NEEDED, Inspector
from tests.clients.node import INSPECTOR
from tests.e2e.people import Account
from tests.e2e.product import TODO, Product
from todo.serve.agent_clients import CLIENTS

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("\n## Connect an agent\n")[2].partition("\n## ")[0]
NO_KEY = "todo_…"


@pytest.fixture(scope="module")
def printed(product: Product) -> dict[str, str]:
    """What the program prints for each client, in an installation of its own."""
    blocks = product.run("mcp", "--print-config", "all").stdout.split("\n\n")
    return dict(zip(CLIENTS, (block.partition("\n")[2] for block in blocks), strict=False))


@pytest.fixture
async def key(account: Account) -> str:
    person = await account.person()
    made: str = (await person.post("/api/keys", json={"name": "From the README"})).json()["key"]
    return made


def section_for(product: Product, key: str = NO_KEY) -> str:
    """The section, as it has to be for this installation and this key."""
    here = SECTION.replace("http://localhost:8000", product.origin)
    return here.replace("/path/to/todo-evolution/.venv/bin/todo", str(TODO)).replace(NO_KEY, key)


def test_the_program_prints_the_same(product: Product, printed: dict[str, str]) -> None:
    section = section_for(product)
    starts = [found.start() for found in re.finditer(r'\{"(mcpServers|servers)"', section)]
    written = [json.JSONDecoder().raw_decode(section[start:])[0] for start in starts]

    assert len(written) == 4
    assert all(settings in [json.loads(text) for text in printed.values()] for settings in written)


@pytest.mark.parametrize(
    ("client", "era"), [*((client, "modern") for client in CLIENTS), ("claude-desktop", "legacy")]
)
async def test_a_client_with_these_settings_gets_as_far_as_it_can_by_itself(
    printed: dict[str, str], key: str, tmp_path: Path, client: str, era: str
) -> None:
    [servers] = json.loads(printed[client].replace(NO_KEY, key)).values()
    # Cursor, alone of them, takes this as said by the address.
    server = {"type": "http", **servers["todo"]} if "url" in servers["todo"] else servers["todo"]
    config = tmp_path / "mcp.json"
    config.write_text(json.dumps({"mcpServers": {"todo": server}}), encoding="utf-8")
    chosen = ("--config", str(config), "--server", "todo", "--protocol-era", era)
    inspector = Inspector(tmp_path, *chosen, "--stored-auth-only")

    has_key = key in json.dumps(server)
    tools = await inspector.ask("tools/list", "--strict", exit_code=0 if has_key else SIGN_IN_NEEDED)

    assert ("create_todos" in str(tools)) == has_key


async def test_the_command_for_the_inspector_lists_the_tools(product: Product, key: str) -> None:
    [command] = re.findall(r"^ +npx (.+)$", section_for(product, key), re.MULTILINE)
    package, *arguments = shlex.split(command)

    finished = await INSPECTOR.run(*arguments)

    assert package == INSPECTOR.package
    assert finished.exit_code == 0, finished
    assert "create_todos" in finished.output


def test_every_address_leads_to_the_product(product: Product) -> None:
    section = section_for(product)
    commands = re.findall(r"`((?:claude|codex) mcp add [^`]+)`", section)

    assert len(commands) == 2
    assert all(shlex.split(command)[-1] == f"{product.origin}/mcp" for command in commands)
    assert set(re.findall(r"https?://[^\s\"`]+", section)) == {product.origin, f"{product.origin}/mcp"}
