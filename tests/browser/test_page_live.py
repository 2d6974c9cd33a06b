"""The page follows the sidecar while somebody looks at it, and what they look at stays where it is."""

import pytest
from support import page_stub
from support.page_facts import MODELS, call, cured, overview, rollup, row
from support.page_stub import PageStub

from browser import Page

STATE = "document.getElementById('connection').dataset.state"
COUNT = "document.querySelectorAll('.call').length"


async def live(page: Page, stub: PageStub) -> None:
    """Open the page and wait until it shows its sums and calls."""
    await page.open(stub.url)
    told = "document.querySelector('.tile')"
    await page.until(f"{STATE} === 'live' && {told} && {COUNT} === {min(50, len(stub.calls))}")


async def test_a_call_that_ends_comes_to_the_top_of_the_list_once(page: Page) -> None:
    async with page_stub.serving(overview(), [call(2), call(1)]) as stub:
        await live(page, stub)
        await stub.tell("calls", [call(2), call(3), cured(4)])
        await page.until(f"{COUNT} === 4")
        ids = await page.evaluate("[...document.querySelectorAll('.call .status')].map(e => e.innerText)")
        assert ids == ["cured 200", "ok 200", "ok 200", "ok 200"]
        assert page.errors == []


async def test_new_sums_take_the_place_of_the_old_without_new_elements(page: Page) -> None:
    def facts(calls: int) -> dict[str, object]:
        return overview(
            rollups={name: rollup({"model": [row(MODELS[0], calls)]}) for name in ("5m", "1h", "start")}
        )

    async with page_stub.serving(facts(7), []) as stub:
        await live(page, stub)
        await page.evaluate(
            "window.before = [...document.querySelectorAll('.tile, #dimension-rows tr, #minutes g')]"
        )
        await stub.tell("overview", facts(4321))
        await page.until("document.querySelector('.tile .value').textContent === '4,321'")
        assert await page.evaluate("before.length > 60 && before.every(each => each.isConnected)")


async def test_the_focus_stays_on_a_row_that_overtakes_others(page: Page) -> None:
    def facts(**calls: int) -> dict[str, object]:
        rows = sorted((row(name, of) for name, of in calls.items()), key=lambda each: -each["calls"])
        return overview(rollups={name: rollup({"model": rows}) for name in ("5m", "1h", "start")})

    async with page_stub.serving(facts(one=3, two=2, three=1), []) as stub:
        await live(page, stub)
        await page.evaluate("document.querySelectorAll('#dimension-rows button')[2].focus()")
        await stub.tell("overview", facts(one=3, two=2, three=9))
        await page.until("document.querySelector('#dimension-rows th').innerText === 'three'")
        assert await page.evaluate("document.activeElement.textContent") == "three"


async def test_an_open_call_stays_open_in_its_place_and_new_calls_wait_behind_a_button(page: Page) -> None:
    async with page_stub.serving(overview(), [call(number) for number in range(20, 0, -1)]) as stub:
        await live(page, stub)
        opener = "document.querySelectorAll('.opener')[4]"
        scroll = "scrollIntoView({behavior: 'instant'})"
        await page.evaluate(f"{opener}.{scroll}, {opener}.focus(), {opener}.click()")
        place = f"{opener}.getBoundingClientRect().top"
        before = await page.evaluate(place)
        await stub.tell("calls", [call(21), call(22)])
        await page.until("document.getElementById('held-calls').textContent === 'Show 2 new calls'")
        assert await page.evaluate(COUNT) == 20
        assert await page.evaluate("document.querySelectorAll('.timeline').length") == 1
        assert await page.evaluate(f"document.activeElement === {opener}")
        assert abs(await page.evaluate(place) - before) < 60
        await page.evaluate("document.getElementById('held-calls').click()")
        assert await page.evaluate(COUNT) == 22
        assert await page.evaluate("document.getElementById('held-calls').hidden")


async def test_the_list_keeps_the_last_500_calls(page: Page) -> None:
    async with page_stub.serving(overview(), [call(number) for number in range(500, 0, -1)]) as stub:
        await live(page, stub)
        await stub.tell("calls", [call(number) for number in range(501, 601)])
        await page.until("document.getElementById('more-calls').textContent === '50 more of 500'")
        await page.evaluate("for (let i = 0; i < 9; i++) document.getElementById('more-calls').click()")
        assert await page.evaluate(COUNT) == 500
        assert await page.evaluate("document.getElementById('more-calls').hidden")


async def test_a_new_trouble_is_read_out_and_so_is_the_end_of_the_last(page: Page) -> None:
    trouble = {"id": "a", "severity": "fix", "what": "Key 9b3bf2b4 is refused.", "fix": "Rotate it."}
    said = "document.getElementById('announcements').textContent"
    async with page_stub.serving(overview(), []) as stub:
        await live(page, stub)
        assert await page.evaluate(said) == ""
        await stub.tell("overview", overview(troubles=[trouble]))
        await page.until(f"{said} === 'Key 9b3bf2b4 is refused. Rotate it.'")
        await stub.tell("overview", overview())
        await page.until(f"{said} === 'Nothing needs you any more.'")


async def test_a_lost_sidecar_is_told_with_the_age_of_what_is_shown_and_taken_up_again(
    page: Page, free_port: int
) -> None:
    async with page_stub.serving(overview(), [call(1)], free_port) as stub:
        await live(page, stub)
        stub.hang_up()
    await page.until(f"{STATE} === 'lost'")
    assert "not reachable; as of " in await page.evaluate("document.getElementById('connection').textContent")
    assert await page.evaluate(COUNT) == 1
    async with page_stub.serving(overview(), [call(3), call(2), call(1)], free_port):
        await page.until(f"{STATE} === 'live' && {COUNT} === 3")


async def test_without_a_stream_the_page_asks_and_says_so(page: Page) -> None:
    async with page_stub.serving(overview(), [call(1)]) as stub:
        stub.streams = False
        await page.open(stub.url)
        await page.until(f"{STATE} === 'polling' && {COUNT} === 1")
        sums = {name: rollup({"model": [row(MODELS[0], 2)]}) for name in ("5m", "1h", "start")}
        stub.overview, stub.calls = overview(rollups=sums), [call(2), call(1)]
        await page.until(f"{COUNT} === 2")


@pytest.mark.parametrize("hidden", [True, False])
async def test_a_hidden_page_takes_no_stream(page: Page, hidden: bool) -> None:
    seen = "Object.defineProperty(document, 'hidden', {configurable: true, get: () => %s}),"
    change = "document.dispatchEvent(new Event('visibilitychange'))"
    async with page_stub.serving(overview(), []) as stub:
        await live(page, stub)
        await page.evaluate(seen % "true" + change)
        await stub.has_readers(0)
        if not hidden:
            await page.evaluate(seen % "false" + change)
            await stub.has_readers(1)
