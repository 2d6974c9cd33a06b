"""Rate limits: when a call is refused, what the headers say, when there is room again."""

import asyncio

import pytest

pytestmark = pytest.mark.looptime


async def test_requests_beyond_the_limit_wait_as_long_as_retry_after_says(started):
    async with started("limits: {rpm: 3}") as bench:
        statuses = [(await bench.message()).status for _ in range(3)]
        refused = await bench.message()
        await asyncio.sleep(int(refused.header("retry-after")))
        after = await bench.message()
    error = refused.json()["error"]
    assert statuses == [200, 200, 200]
    assert refused.status == 429
    assert error["type"] == "rate_limit_error"
    assert "3 requests per minute" in error["message"]
    assert refused.header("retry-after") == "20"
    assert refused.header("anthropic-ratelimit-requests-remaining") == "0"
    assert after.status == 200


async def test_reset_is_when_the_bucket_is_full_again(started):
    async with started("limits: {rpm: 60}") as bench:
        for _ in range(29):
            await bench.message()
        answer = await bench.message()
    assert answer.header("anthropic-ratelimit-requests-limit") == "60"
    assert answer.header("anthropic-ratelimit-requests-remaining") == "30"
    assert answer.header("anthropic-ratelimit-requests-reset") == "2027-01-15T08:00:30Z"


async def test_short_burst_enforces_the_minute_figure_by_the_second(started):
    async with started("limits: {rpm: 60, burst_seconds: 1}") as bench:
        first, second = [await bench.message(), await bench.message()]
        await asyncio.sleep(1)
        third = await bench.message()
    assert [first.status, second.status, third.status] == [200, 429, 200]


async def test_input_tokens_are_limited_and_their_remainder_is_told_in_thousands(started):
    long = [{"role": "user", "content": "x" * 4 * 2396}]
    async with started("limits: {itpm: 6000}") as bench:
        answers = [await bench.message(messages=long) for _ in range(3)]
    assert [a.status for a in answers] == [200, 200, 429]
    remaining = [a.header("anthropic-ratelimit-input-tokens-remaining") for a in answers]
    assert remaining == ["4000", "1000", "1000"]
    assert answers[2].header("retry-after") == "12"
    assert answers[1].header("anthropic-ratelimit-tokens-limit") == "6000"


async def test_cache_reads_are_free_of_the_input_limit(started):
    system = [{"type": "text", "text": "x" * 4 * 2000, "cache_control": {"type": "ephemeral"}}]
    async with started("limits: {itpm: 2100}") as bench:
        statuses = [(await bench.message(system=system)).status for _ in range(4)]
    assert statuses == [200] * 4


async def test_output_tokens_are_taken_as_they_were_produced(started):
    async with started("limits: {otpm: 120}\nanswer: {output_tokens: 300}") as bench:
        first = await bench.message()
        second = await bench.message()
    assert first.status == 200
    assert second.status == 429
    assert second.header("retry-after") == "91"


async def test_broken_stream_costs_only_what_it_produced(started):
    async with started("limits: {otpm: 600}") as bench:
        await bench.message("output-tokens=400; tokens-per-event=100; truncate-at-event=5", stream=True)
        [entry] = bench.calls()
        assert entry.output_tokens_produced == 200
        answer = await bench.message("output-tokens=1")
    assert answer.header("anthropic-ratelimit-output-tokens-remaining") == "400"


async def test_limits_are_shared_by_an_organisation_and_by_a_class_of_models(started):
    scenario = """
limits: {rpm: 1}
keys:
  - {name: a, key: sk-ant-api03-first, organization: shop}
  - {name: b, key: sk-ant-api03-second, organization: shop}
  - {name: c, key: sk-ant-api03-third, limits: {rpm: 2}}
"""
    async with started(scenario) as bench:
        assert (await bench.message()).status == 200
        assert (await bench.message(_key="sk-ant-api03-second", model="claude-opus-4-7")).status == 429
        assert (await bench.message(model="claude-haiku-4-5")).status == 200
        others = [(await bench.message(_key="sk-ant-api03-third")).status for _ in range(3)]
    assert others == [200, 200, 429]


async def test_counting_tokens_has_a_limit_of_its_own(started):
    body = {"model": "claude-opus-4-8", "messages": [{"role": "user", "content": "Hi"}]}
    async with started("limits: {rpm: 1}") as bench:
        statuses = [
            (await bench.message()).status,
            (await bench.ask("POST", "/v1/messages/count_tokens", body)).status,
            (await bench.ask("POST", "/v1/messages/count_tokens", body)).status,
        ]
    assert statuses == [200, 200, 429]


async def test_limits_begin_anew_with_a_scenario_put_at_run_time(started):
    async with started("limits: {rpm: 1}") as bench:
        await bench.message()
        assert (await bench.message()).status == 429
        await bench.ask("PUT", "/_simulator/scenario", b"limits: {rpm: 2}")
        statuses = [(await bench.message()).status for _ in range(3)]
    assert statuses == [200, 200, 429]
