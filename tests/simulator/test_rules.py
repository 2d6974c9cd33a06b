"""Which calls a rule of a scenario is for, and how often."""

import asyncio

import pytest


async def statuses(bench, count, **fields):
    return [(await bench.message(**fields)).status for _ in range(count)]


@pytest.mark.parametrize(
    ("call", "hit"),
    [("2", [2]), ("[1, 4]", [1, 4]), ('"2..3"', [2, 3]), ('"4.."', [4, 5, 6]), ("every 3", [3, 6])],
)
async def test_calls_are_counted_from_one(started, call, hit):
    async with started(f"rules: [{{match: {{call: {call}}}, status: 529}}]") as bench:
        given = await statuses(bench, 6)
    assert [n for n, status in enumerate(given, 1) if status == 529] == hit


async def test_count_is_of_the_calls_that_meet_the_other_conditions(started):
    rule = "rules: [{match: {model: claude-haiku*, call: 2}, status: 500}]"
    async with started(rule) as bench:
        other = await statuses(bench, 2)
        haiku = await statuses(bench, 3, model="claude-haiku-4-5")
    assert other == [200, 200]
    assert haiku == [200, 500, 200]


async def test_times_bounds_a_rule_and_the_next_one_takes_over(started):
    rules = "rules: [{times: 2, status: 529}, {times: 1, status: 500, name: second}]"
    async with started(rules) as bench:
        assert await statuses(bench, 4) == [529, 529, 500, 200]
        assert [entry.fault for entry in bench.calls()] == ["rule", "rule", "second", None]


async def test_probability_is_the_share_of_calls_and_the_same_for_the_same_seed(started):
    rules = "rules: [{probability: 0.3, status: 529}]"
    async with started(rules, seed=4) as one, started(rules, seed=4) as same, started(rules, seed=5) as other:
        first, second, third = [await statuses(bench, 60) for bench in (one, same, other)]
    assert first == second != third
    assert 8 <= first.count(529) <= 28


@pytest.mark.looptime
async def test_window_is_seconds_since_the_scenario_began(started):
    rules = "rules: [{match: {window: [1, 3]}, status: 529}, {match: {window: [5, null]}, status: 500}]"
    given = []
    async with started(rules) as bench:
        for _ in range(4):
            given += await statuses(bench, 1)
            await asyncio.sleep(2)
    assert given == [200, 529, 200, 500]


async def test_conditions_on_key_path_method_and_stream_must_all_hold(started):
    scenario = """
keys: [{name: first, key: sk-ant-api03-first}]
rules:
  - {match: {key: first, path: /v1/messages, method: POST, stream: true}, status: 529}
  - {match: {path: "/v1/models*"}, status: 500}
"""
    async with started(scenario) as bench:
        assert (await bench.message(stream=True)).status == 529
        assert (await bench.message(stream=False)).status == 200
        assert (await bench.message(stream=True, _key="sk-ant-api03-other")).status == 200
        assert (await bench.ask("GET", "/v1/models/x")).status == 500


async def test_connection_that_was_used_before_can_be_told_apart(started):
    lines = [("x-api-key", "sk-ant-api03-x"), ("anthropic-version", "2023-06-01")]
    async with started("rules: [{match: {reused: true}, close: true}]") as bench:
        async with bench.connection() as connection:
            await connection.send("GET", "/v1/models", lines)
            assert (await connection.receive()).status == 200
            await connection.send("GET", "/v1/models", lines)
            assert (await connection.receive()).end == "eof"
        assert (await bench.ask("GET", "/v1/models")).status == 200
        assert [entry.connection for entry in bench.calls()] == [1, 1, 2]


async def test_rules_can_be_replaced_at_run_time_and_a_bad_scenario_changes_nothing(started):
    async with started() as bench:
        put = await bench.ask("PUT", "/_simulator/scenario", b"rules: [{status: 529}]")
        assert put.json() == {"rules": 1}
        assert await statuses(bench, 1) == [529]
        bad = await bench.ask("PUT", "/_simulator/scenario", b"rules:\n  - {statu: 500}")
        assert bad.status == 400
        assert bad.json()["errors"] == ["scenario:2: rules.0.statu: unknown field; did you mean status?"]
        assert await statuses(bench, 1) == [529]
        await bench.ask("PUT", "/_simulator/scenario", b"{}")
        assert await statuses(bench, 1) == [200]


async def test_two_simulators_in_one_process_know_nothing_of_each_other(started):
    async with started("rules: [{status: 529}]") as ill, started() as well:
        assert await statuses(ill, 1) == [529]
        assert await statuses(well, 1) == [200]
        assert len(well.calls()) == 1
