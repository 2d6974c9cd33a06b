"""What tests of replays share: outages and policies in short form, entries as `/requests` has them."""

from claude_sidecar.config.parse import parse_data
from claude_sidecar.replay.course import Course
from claude_sidecar.replay.outage_file import outage_in
from claude_sidecar.replay.play import play
from claude_sidecar.schema.compile import compile_policy
from claude_sidecar.schema.snapshot import Snapshot


def policy(*routes: str, **spec: object) -> Snapshot:
    """A policy with these routes, `one` by default; spec: what differs from its defaults."""
    named = [{"name": name} for name in routes or ("one",)]
    return compile_policy(
        parse_data(
            {
                "apiVersion": "claude-sidecar.dev/v1alpha1",
                "kind": "ClaudePolicy",
                "metadata": {"name": "-".join(routes) or "one"},
                "spec": {"routes": named, **spec},
            },
            "policy",
        )
    )


def played(text: str, snapshot: Snapshot, seed: int = 0) -> Course:
    """What comes of a written outage."""
    return play(outage_in(text.encode(), "outage.yaml"), snapshot, seed)


def outage(*rules: str, load: str = "{calls_per_second: 1}", lasts: float = 1, more: str = "") -> str:
    """A written outage of the first route; by default one call."""
    lines = ["version: 1", f"lasts: {lasts}", f"load: [{load}]", "routes:", "  first:"]
    return "\n".join([*lines, f"    rules: [{', '.join(rules)}]", more])


def attempt(**fields: object) -> dict[str, object]:
    """A send that went well, at once."""
    return {
        "route": "one",
        "atMs": 0,
        "durationMs": 500,
        "firstByteMs": 400,
        "status": 200,
        "retryAfterSeconds": None,
    } | fields


def overloaded(**fields: object) -> dict[str, object]:
    """One that met 529."""
    return attempt(status=529, cause="Overloaded", errorType="overloaded_error", durationMs=100) | fields


def entry(at_s: float, *attempts: dict[str, object], **fields: object) -> dict[str, object]:
    """A call that came so many seconds after noon."""
    minutes, seconds = divmod(at_s, 60)
    last = attempts[-1] if attempts else {}
    return {
        "startedAt": f"2026-03-01T12:{int(minutes):02d}:{seconds:06.3f}+00:00",
        "durationMs": 500,
        "policy": "recorded",
        "policyHash": "0123456789abcdef",
        "operation": "chat",
        "model": "claude-sonnet-4-6",
        "status": last.get("status"),
        "cause": last.get("cause"),
        "errorType": last.get("errorType"),
        "attempts": [{"model": "claude-sonnet-4-6"} | each for each in attempts],
    } | fields
