"""What the experiments share: a folder, an installation to copy, and how hard to try."""

import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from pathlib import Path

from tests.e2e.people import People
from tests.e2e.product import Product, copied_product

# A tortured product is asked more by one person than the limit lets anybody ask.
SETTINGS = {"TODO_RATE_LIMIT": "0"}


class Bench:
    """Gives each experiment products and people of its own, and tells how it is going."""

    def __init__(self, folder: Path, *, is_quick: bool = False, soak_minutes: float = 0) -> None:
        self.folder = folder
        self.is_quick = is_quick
        self.soak_minutes = soak_minutes
        self._started_at = time.monotonic()
        self._products = 0

    def times(self, many: int, few: int) -> int:
        """Give the number of the full run, or that of the quick one."""
        return few if self.is_quick else many

    def install(self) -> None:
        """Make the installation that all products are copied from."""
        with closing(Product(self._installation)) as product:
            product.start()
            product.stop()

    @contextmanager
    def product(self) -> Iterator[Product]:
        """Give a product on a copy of the installation, not started."""
        self._products += 1
        folder = self.folder / f"product-{self._products}"
        with copied_product(self._installation, folder, SETTINGS) as product:
            yield product

    @asynccontextmanager
    async def people(self) -> AsyncIterator[People]:
        """Give those who use a product; their connections end with the block."""
        async with AsyncExitStack() as stack:
            yield People(stack)

    def tell(self, words: str) -> None:
        """Say what is happening, and how long it all has taken so far."""
        elapsed = time.monotonic() - self._started_at
        print(f"[{elapsed:6.1f} s] {words}", file=sys.stderr, flush=True)  # noqa: T201  # progress, for a person

    @property
    def _installation(self) -> Path:
        return self.folder / "installation"
