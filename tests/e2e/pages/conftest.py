"""A browser, and a product it reaches through a proxy."""

from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.async_api import Browser

from tests.debian import find_or_install
from tests.e2e.oauth import Client
from tests.e2e.pages.tab import OpenTab, RegisterApp, opened_tab, running_browser
from tests.e2e.people import Account, People, addresses
from tests.e2e.product import Product, copied_product


@pytest.fixture(scope="session")
def site(installation: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A product that believes its proxy: so each tab has a network address of its own, as people have."""
    with copied_product(installation, tmp_path_factory.mktemp("site")) as product:
        product.start(TODO_TRUSTED_PROXIES="127.0.0.1")
        yield product


@pytest.fixture(scope="session")
def chromium() -> Path:
    """Debian's Chromium."""
    return find_or_install("chromium", "chromium")


@pytest.fixture(scope="session")
def bare_chromium() -> Path:
    """The same without what is around a tab: that takes more of the processor than our pages do."""
    return find_or_install("chromium-headless-shell", "chromium-headless-shell", otherwise="chromium")


@pytest.fixture(scope="session")
async def browser(bare_chromium: Path) -> AsyncIterator[Browser]:
    """The one browser; every tab has its own cookies."""
    async with running_browser(bare_chromium) as browser:
        yield browser


@pytest.fixture
def open_tab(browser: Browser, site: Product) -> OpenTab:
    """Opens tabs."""
    return partial(opened_tab, browser, site, next(addresses))


@pytest.fixture
async def member(site: Product, people: People) -> Account:
    """Somebody with an account."""
    member = Account(await people.browser(site), f"member-{uuid4().hex}@example.com")
    assert (await member.sign_up()).status_code == 200
    return member


@pytest.fixture
async def register_app(site: Product, people: People) -> RegisterApp:
    """Registers apps that would like to be connected."""
    return partial(Client.registered, site, await people.client(site))


@pytest.fixture
async def app(register_app: RegisterApp) -> Client:
    """One of them, on the person's computer."""
    return await register_app()
