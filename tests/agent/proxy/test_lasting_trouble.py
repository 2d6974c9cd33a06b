"""Trouble that lasts over two minutes is an incident: the hint names the status page."""

import asyncio

import pytest
from support.fakes.scripted_upstream import ScriptedUpstream
from support.fakes.wire_bytes import answer, error

from claude_sidecar.policy.breaker import Breaker

pytestmark = pytest.mark.looptime

HINT = "x-claude-sidecar-hint"
PAGE = "status.claude.com"
ONCE = {"maxAttempts": 1}
FAILS = error(529, "overloaded_error")
WORKS = answer()


async def hints(bench, *waits_s: float, **fields) -> list[str]:
    """The hint of one call after each wait."""
    seen = []
    for wait_s in waits_s:
        await asyncio.sleep(wait_s)
        seen.append((await bench.message(**fields)).header(HINT) or "")
    return seen


async def test_the_status_page_is_named_once_nothing_but_failures_came_for_two_minutes(started) -> None:
    async with started(ScriptedUpstream(otherwise=FAILS), retry=ONCE) as bench:
        *early, late = await hints(bench, 0, 40, 40, 39, 2)
        assert not any(PAGE in hint for hint in early)
        assert PAGE in late
        assert "2 min" in late


async def test_a_success_in_between_starts_anew(started) -> None:
    upstream = ScriptedUpstream([FAILS, FAILS, WORKS], otherwise=FAILS)
    async with started(upstream, retry=ONCE) as bench:
        seen = await hints(bench, 0, 50, 50, 30, 50)
        assert not any(PAGE in hint for hint in seen)


async def test_failures_with_long_pauses_between_are_not_one_trouble(started) -> None:
    async with started(ScriptedUpstream(otherwise=FAILS), retry=ONCE) as bench:
        assert not any(PAGE in hint for hint in await hints(bench, 0, 300, 300))


async def test_it_is_told_whether_one_model_or_the_whole_route_is_hit(started) -> None:
    replies = [FAILS, WORKS, FAILS, FAILS, FAILS, FAILS, WORKS, FAILS]
    async with started(ScriptedUpstream(replies), retry=ONCE) as bench:
        await hints(bench, 0, model="claude-opus-4-8")
        await hints(bench, 0, model="claude-haiku-4-5")
        await hints(bench, 40, 40, 20, 15, model="claude-opus-4-8")
        await hints(bench, 0, model="claude-haiku-4-5")
        (late,) = await hints(bench, 10, model="claude-opus-4-8")
        assert "Only claude-opus-4-8 fails" in late
        assert PAGE in late


@pytest.mark.parametrize(
    ("failure", "looks"),
    [(FAILS, 3), (error(404, "not_found_error"), 0), (error(429, "rate_limit_error"), 0)],
)
async def test_breakers_are_looked_through_where_the_hint_tells_of_them(
    started, monkeypatch, failure: bytes, looks: int
) -> None:
    looked_at: list[Breaker] = []
    recent = Breaker.recent

    def counted(breaker: Breaker, now: float) -> tuple[int, int]:
        looked_at.append(breaker)
        return recent(breaker, now)

    monkeypatch.setattr(Breaker, "recent", counted)
    upstream = ScriptedUpstream([WORKS] * 3, otherwise=failure)
    async with started(upstream, retry=ONCE) as bench:
        for number in range(4):
            await bench.message(model=f"claude-{number}")
    assert len(looked_at) == looks
