"""The page as the real sidecar serves it, of calls through it to a simulated API with faults."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from support import page_facts

from browser import Page
from claude_sidecar.demo.sidecar_process import SidecarProcess, sidecar_process
from claude_sidecar.simulator import Scenario, Simulator
from claude_sidecar.simulator.rule import Match, Rule

KEY = "sk-ant-api03-of-the-page-tests"
POLICY = """\
apiVersion: claude-sidecar.dev/v1alpha1
kind: ClaudePolicy
metadata: {name: shop, namespace: default}
spec:
  routes:
    - {name: first, endpoint: UPSTREAM}
  retry:
    backoff: {initial: 100ms, max: 1s}
  prices:
    - {model: claude-sonnet-5, inputPerMTok: "2", outputPerMTok: "10"}
"""
OVERLOADED_ONCE = Rule(match=Match(call=1), status=529)
LIVE = "document.getElementById('connection').dataset.state === 'live' && document.querySelector('.tile')"


@dataclass(frozen=True)
class Shop:
    """An app whose calls go through a sidecar."""

    sidecar: SidecarProcess
    client: aiohttp.ClientSession

    async def call(self, feature: str = "search", **given: Any) -> None:
        """Make a call; how it ends is the page's business. given: fields of its body."""
        headers = {"x-api-key": KEY, "anthropic-version": "2023-06-01", "x-claude-feature": feature}
        body = {
            "model": "claude-sonnet-5",
            "max_tokens": 50,
            "messages": [{"role": "user", "content": "Say something about the sea."}],
        }
        url = f"{self.sidecar.url}/v1/messages"
        async with self.client.post(url, json=body | given, headers=headers) as response:
            await response.read()

    async def told(self, path: str) -> Any:
        """What the admin port answers."""
        async with self.client.get(f"{self.sidecar.admin_url}{path}") as response:
            return await response.json()


@contextlib.asynccontextmanager
async def shop(*rules: Rule) -> AsyncIterator[Shop]:
    """A shop before a simulated API with these rules."""
    upstream = Simulator(Scenario(rules=rules))
    async with (
        upstream.running() as url,
        sidecar_process(POLICY.replace("UPSTREAM", url), {}) as sidecar,
        aiohttp.ClientSession() as client,
    ):
        yield Shop(sidecar, client)


async def test_a_cured_call_appears_while_the_page_is_open_and_tells_its_rules(page: Page) -> None:
    async with shop(OVERLOADED_ONCE) as app:
        await page.open(app.sidecar.admin_url)
        await page.until(LIVE)
        assert "Nothing needs you." in await page.evaluate("document.body.innerText")
        await app.call()
        await page.until("document.querySelector('.call .state.cured')")
        await page.evaluate("document.querySelector('.opener').click()")
        steps = await page.evaluate(
            "[...document.querySelectorAll('.timeline tbody tr')].map(r => r.innerText)"
        )
        assert "attempt 1" in steps[0]
        assert "529" in steps[0]
        assert "wait" in steps[1]
        assert "attempt 2" in steps[2]
        rules = await page.evaluate(
            "[...document.querySelectorAll('.timeline .rule b')].map(e => e.textContent)"
        )
        (told,) = await app.told("/requests")
        assert rules == [
            told["attempts"][0]["rule"],
            told["waits"][0]["rule"],
            told["attempts"][1]["rule"],
            told["endRule"],
        ]
        assert all(rules)
        assert page.errors == []


async def test_what_failed_for_good_is_named_first_with_its_fix(page: Page) -> None:
    async with shop() as app:
        for _ in range(20):
            await app.call(model="claude-opus-4.7")
        await page.open(app.sidecar.admin_url)
        await page.until("document.querySelector('#troubles li') && document.querySelector('.opener')")
        text = await page.evaluate("document.body.innerText")
        assert text.index("claude-opus-4.7") < text.index("Traffic")
        await page.evaluate("document.querySelector('.opener').click()")
        assert "claude-opus-4-7" in await page.evaluate("document.querySelector('.hint').innerText")
        assert page.errors == []


async def test_words_of_callers_stay_words(page: Page) -> None:
    evil = "<img src=x onerror=alert(1)>"
    async with shop() as app:
        await app.call(model=evil, feature=evil)
        await app.call(model="claude-opus-5", feature=evil)
        await page.open(app.sidecar.admin_url)
        await page.until("document.querySelectorAll('.call').length === 2")
        await page.evaluate("document.querySelectorAll('.opener').forEach(each => each.click())")
        assert (await page.evaluate("document.body.innerText")).count(evil) >= 4
        assert await page.evaluate("document.querySelectorAll('img').length") == 0
        assert page.errors == []


async def test_the_page_asks_its_own_sidecar_and_nobody_else(page: Page) -> None:
    async with shop() as app:
        await page.open(app.sidecar.admin_url)
        await page.until(LIVE)
        asked = [url for url in page.requested if not url.startswith("data:")]
        assert len(asked) > 10
        assert [url for url in asked if not url.startswith(f"{app.sidecar.admin_url}/")] == []


async def test_a_sidecar_that_ends_is_told_as_lost(page: Page) -> None:
    async with shop() as app:
        await page.open(app.sidecar.admin_url)
        await page.until(LIVE)
    await page.until("document.getElementById('connection').dataset.state === 'lost'")


def lacking(told: Any, written: Any, where: str) -> list[str]:
    """Fields that were written and are not told, by their paths; of lists the first entries are compared."""
    if isinstance(written, dict):
        missing = [f"{where}.{name}" for name in written if name not in told]
        both = [name for name in written if name in told]
        return missing + [
            path for name in both for path in lacking(told[name], written[name], f"{where}.{name}")
        ]
    if isinstance(written, list) and written:
        return lacking(told[0], written[0], f"{where}[]") if told else [where]
    return []


@pytest.mark.processes
async def test_facts_written_for_the_tests_have_no_field_that_a_sidecar_does_not_tell() -> None:
    """Else the tests against the stand-in would hold a page that nobody has."""
    async with shop(OVERLOADED_ONCE) as app:
        await app.call()
        calls, overview = await app.told("/requests"), await app.told("/overview")
    named = {name: [page_facts.row("a", 1)] for name in page_facts.DIMENSIONS if name != "conversation"}
    windows = dict.fromkeys(("5m", "1h", "start"), page_facts.rollup(named))
    near = {
        "route": "",
        "group": "",
        "limit": "",
        "remaining": 0,
        "of": 0,
        "nearPercent": 0,
        "resetsAt": "",
        "toldAt": "",
    }
    assert lacking(calls, [page_facts.cured(1) | {"fallbacks": []}], "/requests") == []
    assert lacking(overview, page_facts.overview(rollups=windows, limits=[near]), "/overview") == []
