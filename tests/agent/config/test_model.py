"""The policy model: its defaults are the documented ones, it survives a dump, one meaning has one hash."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from claude_sidecar.causes import CAUSE_ORDER
from claude_sidecar.config.load import load_bytes
from claude_sidecar.schema.claude_policy import ClaudePolicy
from claude_sidecar.schema.compile import compile_policy, default_policy
from claude_sidecar.schema.durations import DURATION_PATTERN, Duration
from claude_sidecar.schema.json_schema import policy_schema, resolved
from claude_sidecar.schema.meaning import effective_spec, spec_hash

DEFAULT = """
routes:
  - {name: anthropic, provider: Anthropic, endpoint: "https://api.anthropic.com", insecure: Forbid}
retry:
  maxAttempts: 4
  causes: [RateLimit, Overloaded, ServerError, ConnectionFailure, Timeout]
  backoff: {initial: 1s, max: 30s}
  maxRetryAfter: 60s
  budget: {percent: 20, minPerSecond: 10}
fallback:
  causes: [Overloaded, ServerError, ConnectionFailure, Timeout]
  substitutions: []
timeouts: {connect: 5s, firstByte: 2m, firstDelta: 0s, idle: 5m, stalled: 10m, total: 10m}
circuitBreaker: {failurePercent: 50, minRequests: 10, window: 30s, openFor: 15s}
stream: {hold: FirstDelta, quietAfter: 15s, holdMax: 5m, keepAlive: 15s}
limits: {maxConcurrent: 512, maxBodyMiB: 32, maxBufferedMiB: 64, spoolMiB: 256}
pacing: {mode: Observe, maxWait: 60s, maxQueued: 1000}
telemetry:
  traces: {successesPerSecond: 10, failuresPerSecond: 50, propagate: false, usage: Auto}
  keyAlias: Fingerprint
  featureHeader: x-claude-feature
prices: []
"""

DURATION_FIELDS = {
    name
    for part in policy_schema()["$defs"].values()
    for name, field in part.get("properties", {}).items()
    if resolved(field).get("pattern") == DURATION_PATTERN
}
YAML_BOOLEANS = {"y", "yes", "n", "no", "on", "off", "true", "false"}

durations = st.from_regex(r"([0-9]{1,5}(h|m|s|ms)){1,4}", fullmatch=True)
positive = durations.filter(lambda text: Duration(text) > 0)
names = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
models = st.from_regex(r"[!-~]{1,30}", fullmatch=True).filter(lambda name: "sk-ant" not in name)
prices = st.from_regex(r"[0-9]{1,6}(\.[0-9]{1,6})?", fullmatch=True)


def parts(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A mapping with any of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


specs = parts(
    routes=st.lists(
        st.fixed_dictionaries(
            {"name": names},
            optional={
                "endpoint": st.sampled_from(
                    ["https://h.example", "https://h.example:8443/base", "http://localhost:8080"]
                ),
                "credential": st.just({"secretKeyRef": {"key": "k"}}),
                "models": st.lists(st.builds(lambda m: {"name": m}, models), min_size=1, max_size=3).filter(
                    lambda found: len({m["name"] for m in found}) == len(found)
                ),
            },
        ),
        min_size=1,
        max_size=8,
        unique_by=lambda route: route["name"],
    ),
    retry=parts(
        maxAttempts=st.integers(1, 10),
        causes=st.lists(st.sampled_from([str(c) for c in CAUSE_ORDER[:5]]), unique=True),
        maxRetryAfter=durations,
        budget=parts(percent=st.integers(0, 100), minPerSecond=st.integers(0, 1000)),
    ),
    fallback=parts(causes=st.lists(st.sampled_from([str(c) for c in CAUSE_ORDER]), unique=True)),
    timeouts=parts(
        connect=positive,
        firstByte=positive,
        firstDelta=durations,
        idle=positive,
        stalled=durations,
        total=positive,
    ),
    circuitBreaker=parts(failurePercent=st.integers(1, 100), window=positive, openFor=durations),
    stream=parts(
        hold=st.sampled_from(["FirstDelta", "Headers"]),
        quietAfter=durations,
        holdMax=durations,
        keepAlive=durations,
    ),
    telemetry=parts(traces=parts(propagate=st.booleans()), keyAlias=st.sampled_from(["Hidden"])),
    prices=st.lists(
        st.fixed_dictionaries({"model": models, "inputPerMTok": prices}),
        max_size=3,
        unique_by=lambda price: price["model"],
    ),
)


def policy(spec: dict[str, Any], name: str = "p") -> ClaudePolicy:
    """A policy with a spec."""
    return ClaudePolicy.model_validate(
        {
            "apiVersion": "claude-sidecar.dev/v1alpha1",
            "kind": "ClaudePolicy",
            "metadata": {"name": name},
            "spec": spec,
        }
    )


def test_default_spec_is_the_designs() -> None:
    assert effective_spec(default_policy()) == yaml.safe_load(DEFAULT)


def test_empty_spec_is_the_built_in_policy() -> None:
    assert policy({}).spec == default_policy().spec
    assert compile_policy(policy({}, "default")) == compile_policy(default_policy())


@pytest.mark.long
@given(specs)
def test_policy_survives_a_dump_and_a_load(spec: dict[str, Any]) -> None:
    first = policy(spec)
    dumped = first.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert ClaudePolicy.model_validate(dumped) == first
    text = yaml.safe_dump(dumped).encode()
    assert load_bytes(text, "p.yaml", Path("/nowhere"), env={}).policy == first


@pytest.mark.long
@given(specs)
def test_policy_with_its_defaults_written_out_has_the_same_hash(spec: dict[str, Any]) -> None:
    first = policy(spec)
    effective = effective_spec(first)
    assert json.loads(json.dumps(effective)) == effective
    again = policy(effective, name="other")
    assert effective_spec(again) == effective
    assert spec_hash(again) == spec_hash(first) == compile_policy(first).hash


@pytest.mark.long
@example({"routes": [{"name": "0s", "models": [{"name": "1h"}]}]}, Random(0))
@given(specs, st.randoms())
def test_hash_is_the_same_however_a_policy_is_written(spec: dict[str, Any], chance: Random) -> None:
    first = policy(spec)
    again = policy(rewritten(effective_spec(first), chance))
    assert spec_hash(again) == spec_hash(first)


def rewritten(value: Any, chance: Random, key: str = "") -> Any:
    """The same meaning in other letters: fields, names and causes in any order, durations in other units,
    prices with more zeros, headers in capitals, endpoints with what is understood or allowed anyway."""
    if isinstance(value, dict):
        items = list(value.items())
        chance.shuffle(items)
        if "insecure" in value:  # every endpoint drawn here may be written without it
            items = [each for each in items if each[0] != "insecure"] + [("insecure", "Allow")]
        return {name: rewritten(item, chance, name) for name, item in items}
    if isinstance(value, list):
        items = [rewritten(item, chance, key) for item in value]
        if key in {"causes", "models", "substitutions", "prices"}:
            chance.shuffle(items)
        return items
    if key == "featureHeader":
        return value.upper()
    if key == "endpoint":
        return value.replace("h.example", "H.Example").replace("localhost", "LocalHost") + "/"
    if key.endswith("PerMTok"):
        return value if "." in value else value + ".00"
    if key in DURATION_FIELDS:
        return other_units(Duration(value)) or value
    return value


def other_units(duration: Duration) -> str | None:
    """The duration in other units, if it can be written so."""
    seconds, below = divmod(round(duration * 1000), 1000)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes}m{seconds}s{below}ms" if minutes <= 99_999 else None


@given(durations, durations)
def test_two_durations_have_one_hash_exactly_where_they_are_as_long(one: str, other: str) -> None:
    def hashed(text: str) -> str:
        return spec_hash(policy({"retry": {"maxRetryAfter": text}}))

    assert (hashed(one) == hashed(other)) == (Duration(one) == Duration(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"timeouts": {"total": "10m"}}, {"timeouts": {"total": "600s"}}),
        ({"stream": {"quietAfter": "0s"}}, {"stream": {"quietAfter": "0h0ms"}}),
        ({"retry": {"causes": ["Timeout", "RateLimit"]}}, {"retry": {"causes": ["RateLimit", "Timeout"]}}),
        ({"telemetry": {"featureHeader": "X-Team"}}, {"telemetry": {"featureHeader": "x-team"}}),
        (
            {"prices": [{"model": "m", "inputPerMTok": "3"}, {"model": "n"}]},
            {"prices": [{"model": "n"}, {"model": "m", "inputPerMTok": "03.0"}]},
        ),
        ({}, {"routes": [{"name": "anthropic", "endpoint": "https://API.Anthropic.com:443/"}]}),
        ({}, {"routes": [{"name": "anthropic", "insecure": "Allow"}]}),
        (
            {"routes": [{"name": "a", "models": [{"name": "m"}, {"name": "n", "id": "o"}]}]},
            {"routes": [{"name": "a", "models": [{"name": "n", "id": "o"}, {"name": "m", "id": "m"}]}]},
        ),
    ],
)
def test_what_means_the_same_has_one_hash(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert spec_hash(policy(one)) == spec_hash(policy(other))


def test_order_counts_where_it_has_a_meaning() -> None:
    routes = [{"name": "a"}, {"name": "b"}]
    assert spec_hash(policy({"routes": routes})) != spec_hash(policy({"routes": routes[::-1]}))
    swaps = [{"substitutions": [{"model": "m", "with": names}]} for names in (["n", "o"], ["o", "n"])]
    assert spec_hash(policy({"fallback": swaps[0]})) != spec_hash(policy({"fallback": swaps[1]}))


@pytest.mark.long
@given(specs, st.integers(1, 10))
def test_hash_differs_where_the_meaning_does(spec: dict[str, Any], attempts: int) -> None:
    first = policy(spec)
    other = policy({**spec, "retry": {**spec.get("retry", {}), "maxAttempts": attempts}})
    assert (spec_hash(first) == spec_hash(other)) == (first.spec.retry.max_attempts == attempts)


@given(durations)
def test_duration_is_the_sum_of_its_parts_and_is_kept_as_written(text: str) -> None:
    assert 0 <= Duration(text) <= 4 * 99_999 * 3600
    kept = policy({"retry": {"maxRetryAfter": text}}).spec.retry.max_retry_after_s
    assert (kept, kept.text) == (Duration(text), text)


@pytest.mark.parametrize(("text", "length_s"), [("500ms", 0.5), ("1m30s", 90), ("2h", 7200), ("0s", 0)])
def test_duration_in_seconds(text: str, length_s: float) -> None:
    assert Duration(text) == length_s


@pytest.mark.parametrize("text", ["", "1", "1 s", "s", "1s\n", "1us", "-1s", "1s1s1s1s1s", "\uff11s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        Duration(text)


def words(node: Any) -> Iterator[str]:
    """Every field name and every enum value of a schema."""
    if isinstance(node, dict):
        yield from node.get("properties", {})
        yield from (value for value in node.get("enum", ()) if isinstance(value, str))
        for child in node.values():
            yield from words(child)
    elif isinstance(node, list):
        for child in node:
            yield from words(child)


def test_no_field_or_value_is_a_boolean_in_yaml_1_1() -> None:
    found = set(words(policy_schema()))
    assert {"routes", "FirstDelta", "with"} <= found
    assert not {word for word in found if word.lower() in YAML_BOOLEANS}


def test_every_field_is_described_and_bounded() -> None:
    for name, part in policy_schema()["$defs"].items():
        for field, node in part.get("properties", {}).items():
            where = f"{name}.{field}"
            assert resolved(node).get("description"), where
            if name == "Metadata":
                continue
            options = [node, *node.get("anyOf", ())]
            kinds = {option.get("type") for option in options}
            bounded = {key for option in options for key in option}
            assert "string" not in kinds or bounded & {"maxLength", "enum", "const"}, where
            assert "array" not in kinds or "maxItems" in bounded, where
            assert not kinds & {"integer", "number"} or {"minimum", "maximum"} <= bounded, where


def test_policy_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        default_policy().spec = policy({}).spec
