"""`explain` and the proxy agree: the same policy, request, failure and chance lead to the same call.

Cases are drawn. Each is played by `explain`'s rehearsal and, on virtual time, by a whole sidecar before a
scripted upstream. What they did is compared: who was sent to and when, what the app got.
"""

import asyncio
import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from support.fakes.raw_client import Lines, RawAnswer, request_bytes
from support.fakes.scripted_upstream import Hang, Reset, Script, ScriptedUpstream
from support.fakes.wire_bytes import (
    LAST_CHUNK,
    STREAM_HEAD,
    answer,
    chunk,
    error,
    event,
    stream_answer,
    stream_events,
)

from claude_sidecar.cli.rehearsal import rehearse
from claude_sidecar.cli.retelling import retold
from claude_sidecar.cli.scene import Answer, scene_of
from claude_sidecar.cli.step_words import entry_of
from claude_sidecar.cli.timeline import Entry
from claude_sidecar.cli.told_call import listed_call
from claude_sidecar.policy.actions import Send, Wait
from claude_sidecar.policy.classify import SPEND_LIMIT_CODES
from claude_sidecar.schema.claude_policy import API_VERSION, KIND, ClaudePolicy
from claude_sidecar.schema.compile import compile_policy
from claude_sidecar.schema.snapshot import Snapshot

pytestmark = [pytest.mark.looptime, pytest.mark.long]

SEEDS = 30
CASES_A_SEED = 20
TOLERANCE_S = 0.02
MESSAGE = "as it is"

RETRY = ["RateLimit", "Overloaded", "ServerError", "ConnectionFailure", "Timeout"]
FALLBACK = [*RETRY, "SpendLimit", "Billing", "Authentication", "Permission", "NotFound"]
STATUSES = [200, 301, 400, 401, 402, 403, 404, 408, 409, 413, 418, 429, 429, 500, 501, 503, 520, 529, 529]
EVENTS = ["overloaded_error", "api_error", "rate_limit_error", "invalid_request_error", "of_tomorrow_error"]
TYPES = [None, "api_error", "overloaded_error", "ramp_limit_exceeded", *sorted(SPEND_LIMIT_CODES)]
WAITS = [
    (),
    (),
    (("retry-after", "0"),),
    (("retry-after", "0.7"),),
    (("retry-after", "3"),),
    (("retry-after", "15"),),
    (("retry-after", "70"),),
    (("retry-after", "700"),),
    (("retry-after", "soon"),),
    (("retry-after-ms", "250"), ("retry-after", "9")),
    (("date", "Fri, 15 Jan 2027 08:00:00 GMT"), ("retry-after", "Fri, 15 Jan 2027 08:00:04 GMT")),
    (("anthropic-ratelimit-unified-status", "rejected"), ("anthropic-ratelimit-unified-reset", "1")),
]


@dataclass
class Case:
    """What is drawn, in `explain`'s terms. status None: nothing answers; times: how many attempts fail."""

    spec: dict[str, Any]
    status: int | None
    error_type: str | None
    answers: list[tuple[str, str]]
    asks: list[tuple[str, str]]
    model: str | None
    stream: bool
    times: int | None
    chance: float


@dataclass
class Seen:
    """What came of it: the route and model of each attempt with its time, and what the app got."""

    sends: list[tuple[str, str | None]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    status: int = 0
    error_type: str | None = None
    cause: str | None = None
    should_retry: str | None = None
    steps: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    """What was done, by which rule, and what that says."""


def draw(dice: random.Random) -> Case:
    stream = dice.random() < 0.5
    status: int | None = dice.choice(STATUSES)
    error_type = dice.choice(TYPES)
    kind = dice.random()
    if kind < 0.12:
        status, error_type = None, "connection_error"
    elif kind < 0.24:
        status, error_type = None, "timeout"
    elif kind < 0.36 and stream:
        status, error_type = 200, dice.choice(EVENTS)
    elif status == 200:
        error_type = None
    asks = []
    if dice.random() < 0.3:
        asks.append(("x-stainless-retry-count", dice.choice(["0", "1", "2", "3", "9", "12345", "x", ""])))
    if dice.random() < 0.3:
        asks.append(("x-stainless-timeout", dice.choice(["1", "2.5", "20", "600", "NOT_GIVEN"])))
    if dice.random() < 0.15:
        asks.append(("x-stainless-read-timeout", dice.choice(["1.5", "5", "900"])))
    answers = list(dice.choice(WAITS)) if status is not None else []
    if status is not None and dice.random() < 0.3:
        answers.append(("x-should-retry", dice.choice(["true", "false", "maybe"])))
    return Case(
        spec=draw_spec(dice),
        status=status,
        error_type=error_type,
        answers=answers,
        asks=asks,
        model=dice.choice(["m", "m", "m", "s", None]),
        stream=stream,
        times=dice.choice([None, None, None, 0, 1, 2, 3]),
        chance=dice.choice([0.0, 0.25, 0.5, 0.75]),
    )


def draw_spec(dice: random.Random) -> dict[str, Any]:
    routes: list[dict[str, Any]] = []
    for number in range(dice.choice([1, 1, 2, 2, 3])):
        route: dict[str, Any] = {"name": f"r{number}"}
        if dice.random() < 0.3:
            names = dice.choice([["m"], ["s"], ["m", "s"]])
            route["models"] = [
                {"name": name, "id": dice.choice([name, f"{name}-{number}"])} for name in names
            ]
        if number and dice.random() < 0.5:
            route["credential"] = {"env": "OWN_KEY"}
        routes.append(route)
    spec: dict[str, Any] = {"routes": routes, "retry": {"maxAttempts": dice.choice([1, 2, 3, 4, 4, 6])}}
    if dice.random() < 0.3:
        spec["retry"]["causes"] = dice.sample(RETRY, dice.randint(0, 4))
    initial, longest = dice.choice(
        [("1s", "30s"), ("1s", "30s"), ("0s", "0s"), ("100ms", "1s"), ("2s", "5s")]
    )
    spec["retry"]["backoff"] = {"initial": initial, "max": longest}
    if dice.random() < 0.3:
        spec["retry"]["maxRetryAfter"] = dice.choice(["0s", "2s", "10m"])
    if dice.random() < 0.3:
        percent, rate = dice.choice([(0, 0), (10, 0), (0, 1), (100, 1000)])
        spec["retry"]["budget"] = {"percent": percent, "minPerSecond": rate}
    spec["fallback"] = {}
    if dice.random() < 0.5:
        spec["fallback"]["causes"] = dice.sample(FALLBACK, dice.randint(0, 6))
    if dice.random() < 0.2:
        spec["fallback"]["substitutions"] = [{"model": "m", "with": ["s"]}]
    spec["timeouts"] = {
        "total": dice.choice(["2s", "10s", "10m"]),
        "firstByte": dice.choice(["1s", "3s", "2m"]),
    }
    if dice.random() < 0.1:
        spec["limits"] = {"maxBufferedMiB": 0, "spoolMiB": 0}
    return spec


def body_of(case: Case) -> bytes:
    asked: dict[str, Any] = {"max_tokens": 10, "messages": []}
    if case.model is not None:
        asked = {"model": case.model, **asked}
    return json.dumps(asked | ({"stream": True} if case.stream else {})).encode()


def script_of(case: Case) -> Script:
    """How the upstream ends an attempt that fails."""
    if case.status is None:
        return [Reset() if case.error_type == "connection_error" else Hang()]
    if case.status == 200 and case.error_type is not None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in case.answers)
        head = STREAM_HEAD.replace(b"request-id", lines.encode() + b"request-id")
        told = event("error", error={"type": case.error_type, "message": MESSAGE})
        return head + chunk(told) + LAST_CHUNK
    if case.status < 400:
        return success_of(case) if case.status == 200 else answer(case.status, b"", case.answers)
    code = case.error_type if case.error_type and not case.error_type.endswith("_error") else None
    kind = case.error_type if case.error_type and code is None else "api_error"
    return error(case.status, kind, case.answers, code=code)


def success_of(case: Case) -> bytes:
    return stream_answer(stream_events(12)) if case.stream else answer()


def explained(case: Case, snapshot: Snapshot) -> Seen:
    """What `explain` says, by its words; the times of attempts from its steps."""
    lines = [(name.encode(), value.encode()) for name, value in (*case.answers, *case.asks)]
    answer = Answer(status=case.status, error_type=case.error_type, message=MESSAGE, lines=lines)
    scene = scene_of(snapshot, answer, case.model, stream=case.stream, times=case.times)
    seen = Seen()
    for played in rehearse(scene, case.chance):
        entry = entry_of(played)
        if isinstance(played.step, Wait) and played.step.seconds == 0:
            continue  # no wait at all, in a record
        seen.steps.append((without_length(entry.does), entry.rule, entry.because))
        if isinstance(played.step, Send):
            candidate = played.state.candidates[played.step.candidate]
            assert entry.does.startswith(f"send to {candidate.route}")
            seen.sends.append((candidate.route, candidate.model))
            seen.times.append(played.at_s)
        elif end := re.match(r"deliver (\d+)|answer (\w+) \((\d+)\)", entry.does):
            seen.status, seen.error_type = int(end[1] or end[3]), end[2]
            seen.cause = found(r"x-claude-sidecar-cause: (\w+)", entry.seen or "")
            seen.should_retry = found(r"x-should-retry: (true|false)", entry.seen or "")
    return seen


def without_length(does: str) -> str:
    """A wait without how long it is: a real one is drawn, a played one is told by its range."""
    return "wait" if does.startswith("wait ") else does


def steps_of(entries: Sequence[Entry]) -> list[tuple[str, str | None, str | None]]:
    return [(without_length(entry.does), entry.rule, entry.because) for entry in entries]


def found(pattern: str, words: str) -> str | None:
    match = re.search(pattern, words)
    return match[1] if match else None


async def proxied(case: Case, started: Any) -> Seen:
    """What a sidecar did."""
    failure, success = script_of(case), success_of(case)
    upstream = ScriptedUpstream([failure] * (case.times or 0), failure if case.times is None else success)
    async with upstream.running():
        spec = case.spec | {"routes": [route | endpoint(route, upstream) for route in case.spec["routes"]]}
        async with started(environ={"OWN_KEY": "sk-ant-api03-own"}, **spec) as bench:
            began = asyncio.get_running_loop().time()
            asks: Lines = [(name.encode(), value.encode()) for name, value in case.asks]
            got = await bench.ask(request_bytes(lines=asks, body=body_of(case)))
            (entry,) = await bench.admin_json("/requests")
    timeline = retold(listed_call(entry), None, "")
    seen = Seen(
        sends=[(sent.start_line.split(b"/")[1].decode(), model_in(sent.body)) for sent in upstream.requests],
        times=[sent.at - began for sent in upstream.requests],
        steps=steps_of(timeline.entries),
    )
    return told(got, seen)


def endpoint(route: dict[str, Any], upstream: ScriptedUpstream) -> dict[str, Any]:
    """All routes lead to one upstream, which so knows the order of all attempts."""
    return {"endpoint": f"http://127.0.0.1:{upstream.port}/{route['name']}"}


def model_in(body: bytes) -> str | None:
    model = json.loads(body).get("model")
    return None if model is None else str(model)


def told(got: RawAnswer, seen: Seen) -> Seen:
    seen.status = got.status
    if got.header("x-claude-sidecar-route") == "none":
        seen.error_type = json.loads(got.body)["error"]["type"]
    else:
        seen.cause = got.header("x-claude-sidecar-cause")
    said = got.header("x-should-retry")
    if seen.cause or seen.error_type:  # of a success no SDK reads it
        seen.should_retry = said if said in ("true", "false") else None
    assert got.header("x-claude-sidecar-attempts") == str(len(seen.sends))
    return seen


def snapshot_of(case: Case) -> Snapshot:
    whole = {"apiVersion": API_VERSION, "kind": KIND, "spec": case.spec}
    return compile_policy(ClaudePolicy.model_validate(whole))


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_explain_and_the_proxy_make_the_same_of_a_call(seed, started, monkeypatch) -> None:
    dice = random.Random(seed)
    for case in [draw(dice) for _ in range(CASES_A_SEED)]:
        monkeypatch.setattr("claude_sidecar.clock.chance", lambda chance=case.chance: chance)
        says, does = explained(case, snapshot_of(case)), await proxied(case, started)
        assert does.times == pytest.approx(says.times, abs=TOLERANCE_S), case
        assert replace(does, times=[]) == replace(says, times=[]), case
