"""A headless Chromium for the tests of this folder, and a page in it that complains of nothing."""

from collections.abc import AsyncIterator, Iterator

import pytest

import browser
from chromium import chromium as find_chromium


@pytest.fixture(scope="session")
def chromium() -> Iterator[str]:
    """A running browser's DevTools address."""
    with browser.running(find_chromium()) as address:
        yield address


@pytest.fixture
async def page(chromium: str) -> AsyncIterator[browser.Page]:
    """A fresh page, of a desk's width, in daylight."""
    async with browser.page(chromium) as made:
        await made.look(1280, 900)
        yield made
