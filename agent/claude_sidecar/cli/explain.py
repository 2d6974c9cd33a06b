"""`claude-sidecar explain`: says step by step what a policy makes of an error, and why."""

import click

from claude_sidecar.causes import Cause
from claude_sidecar.cli.policy_argument import snapshot_of
from claude_sidecar.cli.rehearsal import Scene, rehearse
from claude_sidecar.cli.scene import WITHOUT_ANSWER, scene_of
from claude_sidecar.cli.silence_words import silence_words
from claude_sidecar.cli.step_words import counted, drawn_words, step_words


@click.command(short_help="Say step by step what a policy makes of an error.")
@click.argument("file", metavar="FILE")
@click.option("--status", type=click.IntRange(200, 599), help="Status of the response.")
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
    help="Header of the response, such as 'retry-after: 5'; x-stainless-* ones are the request's.",
)
@click.option("--model", metavar="NAME", help="Model that the app asks for.")
@click.option("--stream", is_flag=True, help="The app asks for a stream.")
@click.option("--times", type=click.IntRange(0, 100), help="How many attempts end so; by default all.")
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
    snapshot = snapshot_of(file)
    lines = [_line(header) for header in headers]
    if status is None and error_type not in WITHOUT_ANSWER:
        raise click.UsageError(f"give --status, or --error-type {' or '.join(WITHOUT_ANSWER)}")
    scene = scene_of(snapshot, status, error_type, lines, model, stream=stream, times=times)
    _print_given(scene, stream)
    played = tuple(rehearse(scene))
    told = [words for step in played for words in step_words(step)]
    for number, words in enumerate(told, 1):
        print(f"{number:3}. {words}")
    for words in drawn_words(scene, played):
        print(words)
    if stream:
        print("a stream that keeps silent:")
        for line in silence_words(snapshot, scene.facts.sdk.timeout_s):
            print(f"  - {line}")


def _print_given(scene: Scene, stream: bool) -> None:
    """What the steps go by."""
    snapshot, facts = scene.snapshot, scene.facts
    routes = ", ".join(route.name for route in snapshot.routes)
    print(f"policy {snapshot.name} (hash {snapshot.hash}): routes {routes}")
    print(
        f"call: {'stream' if stream else 'no stream'}, model {facts.model or 'not named'}, "
        f"{counted(facts.max_attempts, 'attempt')} at most, deadline {facts.deadline_s:g}s after arrival"
    )
    print(
        f"budget: repeats may be {snapshot.retry.budget.percent} % of calls and "
        f"{snapshot.retry.budget.min_per_second} more a second; beyond that they wait for their turn"
    )
    if scene.failure.cause is Cause.CONNECTION_FAILURE:
        print("connections: all are new; one kept from before and found closed would be replaced at once")


def _line(header: str) -> tuple[bytes, bytes]:
    name, colon, value = header.partition(":")
    if not colon or not name.strip():
        raise click.BadParameter(f"{header!r} is no header; write it as 'name: value'", param_hint="--header")
    return name.strip().lower().encode("latin-1", "replace"), value.strip().encode("latin-1", "replace")
