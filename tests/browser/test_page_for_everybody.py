"""The page by keyboard, in both colour schemes, on a phone, and for screen readers."""

from typing import Any

import pytest
from support import page_stub
from support.page_facts import MODELS, call, cured, failed, minutes, overview, rollup, route, row

from browser import Page

OVERLOADED = {
    "cause": "Overloaded",
    "status": 529,
    "errorType": "overloaded_error",
    "unixSeconds": 1796040000,
}
TROUBLES = [
    {
        "id": severity,
        "severity": severity,
        "what": "What it is",
        "fix": "What to do.",
        "link": "errors.md#429",
    }
    for severity in ("fix", "watch")
]
LIMITS = [
    {
        "route": "one",
        "group": MODELS[0],
        "limit": f"limit-{left}",
        "remaining": left,
        "of": 100,
        "toldAt": None,
    }
    for left in (3, 20, 90)
]


def busy() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Facts that put every colour of the page to use, with their calls."""
    sums = rollup({"model": [row(name, 90, failed=9, cured=5) for name in MODELS]}, costUsd="2.5")
    policy = overview()["policy"] | {"lastError": "policy.yaml:7: no"}
    routes = [
        route(state, breaker=state, trouble="route", lastError=OVERLOADED)
        for state in ("open", "probing", "closed")
    ]
    facts = overview(
        policy=policy,
        troubles=TROUBLES,
        rollups=dict.fromkeys(("5m", "1h", "start"), sums),
        minutes=minutes((90, 9, 5)),
        limits=LIMITS,
        routes=routes,
    )
    return facts, [cured(4), failed(3), call(2, cancelled=True), call(1)]


async def opened(page: Page, stub: page_stub.PageStub) -> None:
    """The page with every call opened."""
    await page.open(stub.url)
    await page.until("document.querySelectorAll('.call').length === 4 && document.querySelector('.tile')")
    await page.evaluate("document.querySelectorAll('.opener').forEach(each => each.click())")


async def test_tab_reaches_a_call_and_enter_opens_and_closes_it(page: Page) -> None:
    facts, calls = busy()
    async with page_stub.serving(facts, calls) as stub:
        await page.open(stub.url)
        await page.until("document.querySelectorAll('.call').length === 4")
        passed = []
        while not await page.evaluate("document.activeElement.classList.contains('opener')"):
            await page.press("Tab")
            passed.append(await page.evaluate("document.activeElement.textContent.trim().slice(0, 40)"))
            assert len(passed) < 60, passed
        assert passed[0] == "Skip to the last calls"
        await page.press("Enter")
        assert await page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "true"
        assert await page.evaluate("document.querySelectorAll('.timeline').length") == 1
        await page.press("Enter")
        assert await page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "false"
        assert await page.evaluate("document.querySelectorAll('.timeline').length") == 0


async def test_arrows_move_between_the_tabs_of_traffic(page: Page) -> None:
    async with page_stub.serving(*busy()) as stub:
        await page.open(stub.url)
        await page.until("document.getElementById('by-model')")
        await page.evaluate("document.getElementById('by-model').focus()")
        await page.press("ArrowRight")
        assert await page.evaluate("document.activeElement.id") == "by-status"
        assert await page.evaluate("document.querySelectorAll('[role=tab][tabindex=\"0\"]').length") == 1
        await page.press("Home")
        assert (
            await page.evaluate("document.getElementById('by-key').getAttribute('aria-selected')") == "true"
        )


CONTRASTS = """
(() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const linear = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const found = channels(getComputedStyle(each).backgroundColor);
      if (found.length < 4 || found[3] === 1) return found;
    }
  };
  const measured = (each, kind, behind, least) => {
    const colours = [channels(getComputedStyle(each)[kind]), ground(behind)];
    const both = colours.map(luminance).sort((a, b) => a - b);
    const what = `${each.getAttribute('class')} ${each.textContent.trim().slice(0, 30)}`;
    return { what, found: (both[1] + 0.05) / (both[0] + 0.05), least };
  };
  const seen = (each) => each.getClientRects().length && !each.closest('.visually-hidden, .skip');
  const all = (wanted) => [...document.querySelectorAll(wanted)].filter(seen);
  const says = (each) => [...each.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
  const bars = all('.bar i, .span, .ticks i, .legend i').filter((each) => each.offsetWidth);
  const rects = all('#minutes rect:not(.ground)').filter((each) => +each.getAttribute('height'));
  return [
    ...all('body *').filter(says).map((each) => measured(each, 'color', each, 4.5)),
    ...bars.map((each) => measured(each, 'backgroundColor', each.parentElement, 3)),
    ...rects.map((each) => measured(each, 'fill', each.ownerSVGElement, 3)),
  ];
})()
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_text_and_bars_stand_out_from_their_ground(page: Page, scheme: str) -> None:
    """WCAG 2.2, 1.4.3 and 1.4.11, level AA: every text and bar of a page that uses all colours."""
    await page.look(1280, 900, scheme=scheme)
    async with page_stub.serving(*busy()) as stub:
        await opened(page, stub)
        measured = await page.evaluate(CONTRASTS)
    assert len(measured) > 150
    assert [each for each in measured if each["found"] < each["least"]] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_follows_the_colour_scheme_of_its_user(page: Page, scheme: str) -> None:
    await page.look(1280, 900, scheme=scheme)
    async with page_stub.serving(*busy()) as stub:
        await page.open(stub.url)
        ground = await page.evaluate(
            "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
        )
    assert (sum(ground) > 600) == (scheme == "light")


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
async def test_no_width_needs_to_be_scrolled_sideways(page: Page, width: int) -> None:
    await page.look(width, 800, mobile=width < 768)
    async with page_stub.serving(*busy()) as stub:
        await opened(page, stub)
        for name in ("key", "model", "conversation"):
            await page.evaluate(f"document.getElementById('by-{name}').click()")
            assert await page.evaluate("document.documentElement.scrollWidth") == width


async def test_a_user_who_likes_no_motion_gets_none(page: Page) -> None:
    async with page_stub.serving(*busy()) as stub:
        still = [{"name": "prefers-reduced-motion", "value": "reduce"}]
        await page.send("Emulation.setEmulatedMedia", features=still)
        await opened(page, stub)
        durations = "[...document.querySelectorAll('*')].map(e => getComputedStyle(e).transitionDuration)"
        assert set(await page.evaluate(durations)) == {"0s"}


async def test_a_screen_reader_finds_landmarks_headings_and_names(page: Page) -> None:
    async with page_stub.serving(*busy()) as stub:
        await opened(page, stub)
        nodes = (await page.send("Accessibility.getFullAXTree"))["nodes"]
    known = [
        (each["role"]["value"], each.get("name", {}).get("value", ""))
        for each in nodes
        if not each["ignored"]
    ]
    for role in ("banner", "main", "contentinfo", "search", "navigation", "tablist", "tabpanel"):
        assert role in dict(known), role
    headings = [name for role, name in known if role == "heading"]
    assert headings[:3] == ["claude-sidecar", "What needs a person", "Traffic"]
    regions = {name for role, name in known if role == "region"}
    assert regions == {
        "What needs a person",
        "Traffic",
        "Limits, the nearest first",
        "Routes",
        "The last calls",
    }
    named = ("button", "link", "textbox", "searchbox", "checkbox", "radio", "tab", "image", "table")
    assert [role for role, name in known if role in named and not name and role != "table"] == []
    assert ("columnheader", "outcome") in known
