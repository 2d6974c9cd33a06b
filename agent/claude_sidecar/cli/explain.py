"""`claude-sidecar explain`: says step by step what a policy makes of an error, and why."""

import sys
from pathlib import Path

import click

from claude_sidecar import clock
from claude_sidecar.causes import Cause
from claude_sidecar.cli.check import STDIN
from claude_sidecar.cli.rehearsal import Scene, rehearse
from claude_sidecar.cli.silence_words import silence_words
from claude_sidecar.config.load import MAX_FILE_BYTES, parse_policy, read_bytes
from claude_sidecar.policy.classify import cause_of_error_event, cause_of_status
from claude_sidecar.policy.deadline import callers_timeout_s
from claude_sidecar.policy.hopeless import SPEND_LIMIT_CODES
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.request_facts import Asked, request_facts
from claude_sidecar.policy.upstream_word import read_word
from claude_sidecar.schema.compile import compile_policy
from claude_sidecar.schema.snapshot import Snapshot

Lines = list[tuple[bytes, bytes]]

_WITHOUT_ANSWER = {"connection_error": Cause.CONNECTION_FAILURE, "timeout": Cause.TIMEOUT}


@click.command(short_help="Say step by step what a policy makes of an error.")
@click.argument("file", metavar="FILE")
@click.option("--status", type=click.IntRange(200, 599), help="Status that the upstream answers.")
@click.option(
    "--error-type",
    metavar="TYPE",
    help="error.type or error code in the body; with --status 200 and --stream: an error event before the "
    "first delta; without --status: connection_error or timeout.",
)
@click.option(
    "--header",
    "headers",
    metavar="'K: V'",
    multiple=True,
    help="Header of the answer, such as 'retry-after: 5'; x-stainless-* ones are the request's.",
)
@click.option("--model", metavar="NAME", help="Model that the app asks for.")
@click.option("--stream", is_flag=True, help="The app asks for a stream.")
@click.option("--times", type=click.IntRange(0, 100), help="How many sends end so; by default all.")
def command(
    file: str,
    status: int | None,
    error_type: str | None,
    headers: tuple[str, ...],
    model: str | None,
    stream: bool,
    times: int | None,
) -> None:
    """Print step by step what the sidecar would do (wait, send to which route, deliver) and why.

    FILE is a policy, `-` standard input. Nothing is sent, and credentials need not be there.
    """
    snapshot = _snapshot(file)
    lines = [_line(header) for header in headers]
    facts = request_facts(snapshot, Asked(model, stream=stream), dict(reversed(lines)), 0.0)
    failure = _failure(status, error_type, stream, lines)
    routes = ", ".join(route.name for route in snapshot.routes)
    print(f"policy {snapshot.name} (hash {snapshot.hash}): routes {routes}")
    print(
        f"call: {'stream' if stream else 'no stream'}, model {model or 'not named'}, "
        f"{facts.max_sends} sends at most, deadline {facts.deadline_s:g}s after arrival"
    )
    print(
        f"budget: repeats may be {snapshot.retry.budget.percent} % of calls and "
        f"{snapshot.retry.budget.min_per_second} more a second; beyond that they wait for their turn"
    )
    for number, step in enumerate(rehearse(Scene(snapshot, facts, failure, times)), 1):
        print(f"{number:3}. {step}")
    if stream:
        print("a stream that keeps silent:")
        for line in silence_words(snapshot, callers_timeout_s(_patience(lines))):
            print(f"  - {line}")


def _snapshot(file: str) -> Snapshot:
    if file == STDIN:
        return compile_policy(parse_policy(sys.stdin.buffer.read(MAX_FILE_BYTES + 1), "<stdin>"))
    return compile_policy(parse_policy(read_bytes(Path(file)), file))


def _line(header: str) -> tuple[bytes, bytes]:
    name, colon, value = header.partition(":")
    if not colon or not name.strip():
        raise click.BadParameter(f"{header!r} is no header; write it as 'name: value'", param_hint="--header")
    return name.strip().lower().encode("latin-1", "replace"), value.strip().encode("latin-1", "replace")


def _patience(lines: Lines) -> tuple[bytes | None, ...]:
    said = dict(reversed(lines))
    return said.get(b"x-stainless-timeout"), said.get(b"x-stainless-read-timeout")


def _failure(status: int | None, error_type: str | None, stream: bool, lines: Lines) -> Outcome:
    word = read_word(lines, status or 0, clock.unix_ns() / 1e9)
    code = error_type if error_type in SPEND_LIMIT_CODES else None
    if status is not None:
        cause = cause_of_status(status, code)
        if cause is None and error_type is not None and stream:
            cause = cause_of_error_event(error_type, code)
        return Outcome(cause, status, has_answer=True, word=word)
    if error_type in _WITHOUT_ANSWER:
        cause = _WITHOUT_ANSWER[error_type]
        return Outcome(cause, our_timeout=cause is Cause.TIMEOUT)
    raise click.UsageError("give --status, or --error-type connection_error or timeout")
