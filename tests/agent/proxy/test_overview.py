"""What the page shows: the shape that it relies on, figures that agree with the list of calls, bad clocks."""

import asyncio
import json
from datetime import datetime, timedelta

import pytest
from support.fakes.raw_client import connected, request_bytes
from support.fakes.scripted_upstream import ScriptedUpstream
from support.fakes.wire_bytes import answer, error, message_body

from claude_sidecar import clock

pytestmark = pytest.mark.looptime

DIMENSIONS = {"key", "model", "status", "route", "feature", "conversation"}
COUNTS = {"calls", "failed", "cured", "attempts", "inputTokens", "outputTokens", "costUsd"}
TOTALS = {"left", "waitedSeconds", "cacheReadTokens", "cacheCreationTokens", "unpricedTokens", "by"}
USAGE = {
    "input_tokens": 11,
    "output_tokens": 7,
    "cache_read_input_tokens": 3,
    "cache_creation_input_tokens": 2,
}
TOLD = answer(body=json.dumps({"type": "message", "model": "claude-opus-4-8", "usage": USAGE}).encode())
NEAR = [
    ("anthropic-ratelimit-input-tokens-limit", "400000"),
    ("anthropic-ratelimit-input-tokens-remaining", "12000"),
    ("anthropic-ratelimit-requests-limit", "50"),
    ("anthropic-ratelimit-requests-remaining", "49"),
]
PRICE = {"model": "claude-opus-4-8", "inputPerMTok": "5", "outputPerMTok": "25"}


async def troubles(bench) -> list[str]:
    return [line["id"] for line in (await bench.admin_json("/overview"))["troubles"]]


async def test_a_sidecar_that_has_seen_nothing_has_an_overview(started) -> None:
    async with started(ScriptedUpstream()) as bench:
        told = await bench.admin_json("/overview")
        assert set(told) == {
            *("version", "now", "startedAt", "policy", "troubles", "rollups"),
            *("minutes", "limits", "routes", "recorder"),
        }
        assert {"name", "hash", "source", "lastError", "restartRequired", "credentialsMissing"} <= set(
            told["policy"]
        )
        assert (told["troubles"], told["limits"]) == ([], [])
        assert list(told["rollups"]) == ["5m", "1h", "start"]
        for rollup in told["rollups"].values():
            assert set(rollup) == COUNTS | TOTALS
            assert rollup["by"] == {dimension: [] for dimension in DIMENSIONS}
            assert (rollup["calls"], rollup["costUsd"]) == (0, None)
        assert [minute["calls"] for minute in told["minutes"]] == [0] * 60
        assert told["routes"] == await bench.admin_json("/routes")
        assert (told["recorder"]["calls"], told["recorder"]["mostBytes"]) == (0, 4 << 20)


async def test_figures_agree_with_the_list_of_calls(started) -> None:
    first = ScriptedUpstream([error(529), TOLD, error(400, "invalid_request_error"), error(529)])
    spec = {"retry": {"maxAttempts": 2}, "prices": [PRICE]}
    async with started(first, ScriptedUpstream(otherwise=TOLD), **spec) as bench:
        for feature in ("search", "search", "chat", "chat"):
            await bench.message([(b"x-claude-feature", feature.encode())])
        calls, told = await bench.admin_json("/requests"), await bench.admin_json("/overview")
        five = told["rollups"]["5m"]
        assert told["rollups"]["1h"] == told["rollups"]["start"] == five
        attempts = [attempt for call in calls for attempt in call["attempts"]]
        assert (five["calls"], five["attempts"]) == (len(calls), len(attempts)) == (4, 6)
        assert five["failed"] == sum(call["status"] != 200 for call in calls) == 1
        assert five["cured"] == 2
        for name, theirs in (("inputTokens", "inputTokens"), ("cacheReadTokens", "cacheReadInputTokens")):
            assert five[name] == sum(attempt["usage"][theirs] or 0 for attempt in attempts)
        assert float(five["costUsd"]) == pytest.approx(sum(float(call["costUsd"] or 0) for call in calls))
        assert {row["name"]: row["calls"] for row in five["by"]["feature"]} == {"search": 2, "chat": 2}
        assert {row["name"]: row["calls"] for row in five["by"]["status"]} == {"200": 3, "400": 1}
        routes = {row["name"]: (row["calls"], row["attempts"]) for row in five["by"]["route"]}
        assert routes == {"first": (2, 4), "second": (2, 2)}
        assert set(five["by"]["key"][0]) == COUNTS | {"name"}
        assert told["minutes"][-1]["calls"] + told["minutes"][-2]["calls"] == 4


async def test_callers_that_leave_are_counted(started) -> None:
    async with started(ScriptedUpstream()) as bench:
        async with connected(bench.port) as app:
            await app.send(request_bytes(body=message_body()))
            await asyncio.sleep(1)
        await asyncio.sleep(1)
        five = (await bench.admin_json("/overview"))["rollups"]["5m"]
        assert (five["calls"], five["left"], five["failed"]) == (1, 1, 0)


async def test_500_calls_with_long_names_make_an_overview_of_a_bounded_size(started) -> None:
    long = "x" * 100
    async with started(ScriptedUpstream(otherwise=answer())) as bench, connected(bench.port) as app:
        for number in range(500):
            lines = [
                (b"x-claude-feature", f"f{number}{long}".encode()),
                (b"x-claude-code-session-id", f"c{number}{long}".encode()),
            ]
            await app.send(request_bytes(lines=lines, body=message_body(model=f"m{number}-{'y' * 100}")))
            await app.receive()
        got = await bench.admin("/overview")
        told = json.loads(got.body)
        assert len(got.body) < 300_000
        for rollup in told["rollups"].values():
            for rows in rollup["by"].values():
                assert len(rows) <= 51
                assert max(len(row["name"]) for row in rows) <= 128
                assert sum(row["calls"] for row in rows) == 500
        assert rollup["by"]["model"][-1]["name"] == "_other"
        assert told["recorder"]["calls"] == 500
        assert 0 < told["recorder"]["bytes"] < told["recorder"]["mostBytes"]


@pytest.mark.parametrize("jump_s", [-10 * 86400, 86400, 40 * 365 * 86400])
async def test_a_wall_clock_that_is_set_moves_labels_and_no_call(jump_s, started, monkeypatch) -> None:
    async with started(ScriptedUpstream(otherwise=answer(lines=NEAR))) as bench:
        await bench.message()
        before = await bench.admin_json("/overview")
        unix_ns = clock.unix_ns()
        monkeypatch.setattr("claude_sidecar.clock.unix_ns", lambda: unix_ns + jump_s * 10**9)
        await bench.message()
        after = await bench.admin_json("/overview")
        assert [after["rollups"][window]["calls"] for window in ("5m", "1h", "start")] == [2, 2, 2]
        assert sum(minute["calls"] for minute in after["minutes"]) == 2
        moved = datetime.fromisoformat(after["startedAt"]) - datetime.fromisoformat(before["startedAt"])
        assert abs(moved - timedelta(seconds=jump_s)) < timedelta(minutes=1)
        times = [datetime.fromisoformat(minute["at"]) for minute in after["minutes"]]
        assert times == [times[0] + timedelta(minutes=number) for number in range(60)]


async def test_limits_are_told_nearest_first_and_what_is_near_is_to_be_watched(started) -> None:
    async with started(ScriptedUpstream(otherwise=answer(lines=NEAR))) as bench:
        await bench.message()
        told = await bench.admin_json("/overview")
        assert [(limit["limit"], limit["remaining"], limit["of"]) for limit in told["limits"]] == [
            ("input-tokens", 12000, 400000),
            ("requests", 49, 50),
        ]
        near = told["limits"][0]
        assert (near["route"], near["group"], near["nearPercent"]) == ("first", "claude-opus-4-8", 97.0)
        (line,) = told["troubles"]
        assert line["id"] == "limit-near/input-tokens/first/claude-opus-4-8"
        assert set(line) == {"id", "severity", "what", "fix", "link", "window"}
        assert line["severity"] == "watch"


async def test_limits_of_long_ago_are_not_near(started, monkeypatch) -> None:
    async with started(ScriptedUpstream(otherwise=answer(lines=NEAR))) as bench:
        await bench.message()
        unix_ns = clock.unix_ns()
        monkeypatch.setattr("claude_sidecar.clock.unix_ns", lambda: unix_ns + 301 * 10**9)
        told = await bench.admin_json("/overview")
        assert [limit["nearPercent"] for limit in told["limits"]] == [None, None]
        assert told["troubles"] == []


async def test_a_subscriptions_window_is_told_in_percent(started) -> None:
    lines = [("anthropic-ratelimit-unified-5h-utilization", "0.93")]
    async with started(ScriptedUpstream(otherwise=answer(lines=lines))) as bench:
        await bench.message()
        (limit,) = (await bench.admin_json("/overview"))["limits"]
        assert (limit["limit"], limit["remaining"], limit["of"]) == ("unified-5h", 7, 100)
        assert limit["nearPercent"] == 93.0


async def test_troubles_of_calls_policy_and_circuits_are_told_together(started) -> None:
    breaker = {"minRequests": 4, "openFor": "60s"}
    upstream = ScriptedUpstream(otherwise=error(529))
    async with started(upstream, retry={"maxAttempts": 1}, circuitBreaker=breaker) as bench:
        for number in range(10):
            await bench.message(max_tokens=number + 1)
        bench.policy_file.write_text("spec: {routes: [")
        await asyncio.sleep(1.1)
        assert await troubles(bench) == ["policy/refused", "overloaded/route/first", "circuit/route/first"]


async def test_a_route_that_fails_for_minutes_is_told_with_whom_it_concerns(started) -> None:
    upstream = ScriptedUpstream(otherwise=error(529))
    async with started(upstream, retry={"maxAttempts": 1}, circuitBreaker={"minRequests": 100}) as bench:
        for number in range(16):
            await bench.message(max_tokens=number + 1)
            await asyncio.sleep(10)
        lines = {line["id"]: line["what"] for line in (await bench.admin_json("/overview"))["troubles"]}
        assert lines == {
            "overloaded/route/first": (
                "16 of 16 calls by route first get 529: the API is overloaded, whosever calls they are "
                "(for 3 minutes, nothing but failures)."
            )
        }
        breakers = (await bench.admin_json("/routes"))[0]["breakers"]
        assert breakers["claude-opus-4-8"]["messages"]["failingForSeconds"] == pytest.approx(160, abs=5)


async def test_retried_calls_and_plain_ones_are_no_trouble(started) -> None:
    upstream = ScriptedUpstream([error(529), *[answer()] * 30], otherwise=answer())
    async with started(upstream) as bench:
        for _ in range(30):
            await bench.message()
        assert await troubles(bench) == []


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/page/main.js", "text/javascript; charset=utf-8"),
        ("/page/page.css", "text/css; charset=utf-8"),
    ],
)
async def test_the_pages_files_come_with_their_type_and_a_strict_policy(path, kind, started) -> None:
    async with started(ScriptedUpstream()) as bench:
        got = await bench.admin(path)
        assert (got.status, got.header("content-type")) == (200, kind)
        assert got.header("content-security-policy").startswith("default-src 'none'; script-src 'self';")
        assert "unsafe" not in got.header("content-security-policy")
        assert (got.header("x-content-type-options"), got.header("cache-control")) == ("nosniff", "no-store")
        async with connected(bench.sidecar.admin_port) as browser:
            await browser.send(request_bytes("HEAD", path, key=None))
            head = await browser.receive(bodiless=True)
            assert (head.status, head.header("content-length")) == (200, str(len(got.body)))


@pytest.mark.parametrize(
    "path",
    [
        "/page/",
        "/page/index.html",
        "/page/nothing.js",
        "/page/../admin.py",
        "/page/..%2fadmin.py",
        "/page/%2e%2e/admin.py",
        "/page//main.js",
        "/admin.py",
    ],
)
async def test_no_path_of_a_request_is_one_of_a_file(path, started) -> None:
    async with started(ScriptedUpstream()) as bench:
        assert (await bench.admin(path)).status == 404
