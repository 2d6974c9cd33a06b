"""Outages written by hand: what they may say, and what is said of those that can't be played."""

import pytest
from support.played import outage, played, policy

from claude_sidecar.replay.outage import OutageInvalid
from claude_sidecar.replay.outage_file import outage_in

HEAD = "version: 1\nlasts: 10\nload: [{calls_per_second: 1}]\n"


def wrong(text: str | bytes) -> str:
    with pytest.raises(OutageInvalid) as invalid:
        outage_in(text if isinstance(text, bytes) else text.encode(), "o.yaml")
    return str(invalid.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            HEAD.replace("1\n", "2\n", 1),
            "o.yaml:1: version: 2 is not known; this claude-sidecar reads version 1",
        ),
        (HEAD.replace("1\n", "true\n", 1), "o.yaml:1: version: True is not known"),
        (HEAD + "route: {}", "o.yaml:4: route: unknown field; did you mean routes?"),
        (
            HEAD + "routes: {first: {rule: []}}",
            "o.yaml:4: routes.first.rule: unknown field; did you mean rules?",
        ),
        (HEAD + "routes: {first: {rules: [{gzip: true}]}}", "gzip is for `claude-sidecar simulate`"),
        (
            HEAD + "routes: {first: {rules: [{match: {key: a}}]}}",
            "match.key is for `claude-sidecar simulate`",
        ),
        (HEAD + "routes: {first: {rules: [{status: 42}]}}", "o.yaml:4: routes.first.rules.0.status"),
        (HEAD.replace("second: 1", "second: 9999999"), "o.yaml:3: load.0.calls_per_second"),
        (
            HEAD.replace("lasts: 10", "lasts: 86400").replace("second: 1", "second: 10"),
            "o.yaml:1: these are 864,001 calls; allowed are 200,000",
        ),
        (HEAD.replace("second: 1", "second: 1, from: 10"), "o.yaml:1: no call comes"),
        ("version: 1\nlasts: 10\n", "o.yaml:1: load: Field required"),
        ("version: 1\nlasts: 1e999\nload: []\n", "o.yaml:2: lasts"),
        ("- a\n- b\n", "o.yaml:1: a mapping is wanted"),
        ("version: 1\nversion: 1\n", "o.yaml:2: version: given twice"),
        ("a: [", "o.yaml:1: not YAML"),
        (b"\xff\xfe\x00", "not UTF-8"),
        ("", "version: Field required"),
        ("x" * (2 << 20), "neither a list of calls nor as short as a written outage"),
        ('{"event": "call", "status": 529}', "another kind of JSON, such as a log"),
        (b"[" + b" " * (32 << 20), "larger than 32 MiB"),
    ],
)
def test_what_cannot_be_played_is_said_with_its_place(text: str | bytes, said: str) -> None:
    assert said in wrong(text)


def test_calls_come_evenly_and_in_order_whatever_their_kind() -> None:
    two = "{calls_per_second: 2, model: a}, {calls_per_second: 1, model: b, from: 1, to: 3}"
    made = outage_in(outage(load=two, lasts=4).encode(), "o.yaml")
    assert [(call.at_s, call.model) for call in made.calls] == [
        (0.0, "a"),
        (0.5, "a"),
        (1.0, "a"),
        (1.0, "b"),
        (1.5, "a"),
        (2.0, "a"),
        (2.0, "b"),
        (2.5, "a"),
        (3.0, "a"),
        (3.5, "a"),
    ]


def test_a_route_is_called_by_its_name_or_by_its_place() -> None:
    text = outage("{status: 400}").replace("first:", "one:")
    assert played(text, policy("one")).ends[0].status == 400
    by_place = played(outage("{status: 400}"), policy("two", "one"))
    assert (by_place.ends[0].status, by_place.ends[0].sends) == (400, ("two",))
    assert by_place.assumed == [
        "policy two-one: route two is the file's `first`",
        "policy two-one: route one is not in the file, so it is taken to be well all the time",
    ]


def test_a_name_goes_before_a_place() -> None:
    text = outage("{status: 400}") + "\n  one: {rules: [{status: 404}]}\n"
    assert played(text, policy("one")).ends[0].status == 404


def test_a_route_that_the_policy_lacks_is_told() -> None:
    text = outage("{status: 400}").replace("first:", "third-org:")
    assert "policy one has no route `third-org`: nothing meets it" in played(text, policy()).assumed
