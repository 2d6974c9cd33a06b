"""The timeline of a real call, in the words of one that is played."""

from collections.abc import Iterator

from claude_sidecar.causes import Cause
from claude_sidecar.cli.step_words import whom
from claude_sidecar.cli.timeline import Entry, Timeline, counted, seconds
from claude_sidecar.cli.told_call import ToldCall, ToldStep
from claude_sidecar.policy.reasons import StopReason
from claude_sidecar.policy.remedies import remedy_for
from claude_sidecar.policy.rules import RULES
from claude_sidecar.schema.snapshot import Snapshot

_BY_NAME = {rule.name: rule for rule in RULES}


def retold(call: ToldCall, policy: Snapshot | None, whose: str) -> Timeline:
    """Tell it. policy: another source's, to compare with the one that the call went by, None for none; whose:
    what it is called."""
    return Timeline(
        given=tuple(_given(call, policy, whose)),
        entries=(*(_entry(call, step) for step in call.steps), _end(call)),
        aside=tuple(_in_all(call)),
        hint=call.hint,
        to_do=_to_do(call),
    )


def _given(call: ToldCall, policy: Snapshot | None, whose: str) -> Iterator[str]:
    began = f", began {call.began.isoformat(timespec='milliseconds')}" if call.began is not None else ""
    yield f"call {call.call_id}{began}, the upstream's id {call.request_id or 'not told'}"
    repeat = f", its SDK's repeat {call.sdk_retry_count}" if call.sdk_retry_count else ""
    yield (
        f"asked: {call.method} {call.path}, {'stream' if call.stream else 'no stream'}, "
        f"model {call.model or 'not named'}, key {call.key}{repeat}"
    )
    same = f", as {whose}" if policy is not None and policy.hash == call.policy_hash else ""
    yield f"policy {call.policy} (hash {call.policy_hash}){same}"
    if policy is not None and not same:
        yield (
            f"this call went by another policy: {whose} has hash {policy.hash}; below is what was done, not "
            "what that one would do"
        )


def _entry(call: ToldCall, step: ToldStep) -> Entry:
    at_s, for_s = step.at_ms / 1000, step.for_ms / 1000
    if step.send is None:
        return Entry(at_s=at_s, does=f"wait {seconds(for_s)}", rule=step.rule, because=step.because)
    return Entry(
        at_s=at_s,
        does=f"send to {whom(step.send, step.model or call.model, call.model)}",
        rule=step.rule,
        because=step.because,
        came=_came_of_it(step, for_s),
    )


def _came_of_it(step: ToldStep, for_s: float) -> str:
    if step.cancelled and step.cause is None:
        return f"given up after {seconds(for_s)}: the app went away"
    said = f"{step.status}" if step.status is not None else "no response"
    parts = [said, step.cause or "fine"]
    if step.status is not None and step.error_type is not None:
        parts.append(step.error_type)
    if step.request_id is not None:
        parts.append(step.request_id)
    return f"{', '.join(parts)} after {seconds(for_s)}"


def _end(call: ToldCall) -> Entry:
    seen = f"the app saw x-claude-sidecar-cause: {call.cause}" if call.cause and not call.opened else None
    return Entry(
        at_s=call.duration_s, does=_ended(call), rule=call.end_rule, because=call.end_because, seen=seen
    )


def _ended(call: ToldCall) -> str:
    after = f"after {counted(len(call.sends), 'attempt')}"
    if call.status is None:
        return f"the app went away {after}" if call.cancelled else f"end without an answer {after}"
    if call.interrupted:
        return f"break off the answer {call.status} ({call.error_type}) {after}"
    if call.opened and call.has_failed:
        return f"end the open stream with an error event ({call.error_type}) {after}"
    if call.route == "none":
        return f"answer {call.error_type} ({call.status}) {after}"
    left = ", of which the app did not wait for the end" if call.cancelled else ""
    return f"deliver {call.status}{' unchanged' if call.has_failed else ''} {after}{left}"


def _in_all(call: ToldCall) -> Iterator[str]:
    waited_s = sum(step.for_ms for step in call.steps if step.wait is not None) / 1000
    if len(call.steps) > 1:
        yield (
            f"in all: {counted(len(call.sends), 'attempt')}, {seconds(waited_s)} of waits, "
            f"{seconds(call.duration_s)} from its arrival to its end"
        )


def _to_do(call: ToldCall) -> str | None:
    if not call.has_failed:
        return "nothing: the sidecar cured it" if len(call.sends) > 1 and not call.cancelled else None
    rule = _BY_NAME.get(call.end_rule or "")
    if rule is None or not isinstance(rule.then, StopReason):
        return None
    return remedy_for(rule.then, next((cause for cause in Cause if cause == call.cause), None))
