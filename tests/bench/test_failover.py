"""The failover examiner: what it calls right, what no scenario excuses, and the table in the docs."""

import re

import pytest
from bench.failover.result import FIRST, SECOND, CallResult, Result, broken_rules
from bench.failover.scenarios import SCENARIOS
from bench.failover.stage import POLICY
from bench.failover.table import BEGIN, END, Examined, table, told, write
from bench.promise.outcome import End, Outcome
from support.project import ROOT

from claude_sidecar.config.parse import parse_policy

DOCUMENT = ROOT / "docs" / "failover.md"


def call(
    end: End | None, seconds: float = 0.1, *, status: int | None = 200, route: int | None = None
) -> CallResult:
    return CallResult(0.0, seconds, None if end is None else Outcome(end, status, ()), route)


def result(*calls: CallResult, first: int = 1, second: int = 0) -> Result:
    return Result(calls, {FIRST: (0.0,) * first, SECOND: (0.0,) * second})


def test_there_are_sixteen_and_each_says_what_is_right() -> None:
    assert len({one.name for one in SCENARIOS}) == 16
    assert all(one.happens and one.promised for one in SCENARIOS)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_no_scenario_is_content_with_calls_that_do_not_end(scenario) -> None:
    calls = [CallResult(starts_s, 30.0, None) for starts_s in scenario.starts_s]
    assert not scenario.right(result(*calls))


@pytest.mark.parametrize(
    ("one", "fault"),
    [
        (result(call(End.ANSWERED)), None),
        (result(call(End.STATUS, status=529), first=5, second=4), None),
        (result(call(End.STATUS, status=529), first=6, second=4), "10 sends for 1 calls"),
        (result(call(End.TRUNCATED)), "a failure dressed as success"),
        (result(call(End.ANSWERED), call(End.WRONG)), "a failure dressed as success"),
        (result(call(None, 30.0)), "no end within 30 s"),
    ],
)
def test_what_no_scenario_excuses(one, fault) -> None:
    assert broken_rules(one, 9) == ([] if fault is None else [fault])


def test_a_result_is_told_in_a_few_words() -> None:
    answered = call(End.ANSWERED, 0.31, route=SECOND)
    assert told(result(answered, second=1)) == "answered by the second; 0.3 s; sends 1 + 1"
    several = result(answered, call(End.STATUS, 2.0, status=529), answered)
    assert told(several) == "2 answered by the second, 1 529; at most 2.0 s; sends 1 + 0"
    assert told(result(call(End.TRUNCATED))) == "**taken for whole**; 0.1 s; sends 1 + 0"


def test_what_is_not_as_promised_stands_out(tmp_path) -> None:
    scenario = SCENARIOS[0]
    good, bad = result(call(End.ANSWERED, route=SECOND), first=0, second=1), result(call(End.TRUNCATED))
    lines = table([Examined(scenario, bad, good), Examined(scenario, good, bad)]).splitlines()
    assert lines[2].endswith("| yes |")
    assert lines[3].endswith("| **no**; a failure dressed as success |")
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- begin: written by python -m bench.failover -->\nold\n<!-- end -->\nafter\n")
    write("new", page)
    assert page.read_text().splitlines() == [
        "before",
        "<!-- begin: written by python -m bench.failover -->",
        "new",
        "<!-- end -->",
        "after",
    ]


def test_the_table_in_the_docs_has_every_scenario_as_promised() -> None:
    written = DOCUMENT.read_text().partition(BEGIN)[2].partition(END)[0]
    rows = re.findall(r"^\| (.+) \| (.+) \| (.+) \| .+ \| .+ \| (.+) \|$", written, re.MULTILINE)
    assert rows[2:] == [(one.name, one.happens, one.promised, "yes") for one in SCENARIOS]


def test_the_policy_beside_the_table_is_the_examined_one() -> None:
    (block,) = re.findall(r"^```yaml\n(.*?)^```", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    assert block == POLICY.format(first=8001, second=8002)
    parse_policy(block.encode(), "policy.yaml")
