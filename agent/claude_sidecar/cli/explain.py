"""`claude-sidecar explain`: says step by step what a policy makes of an error, or made of a call, and why."""

import sys
from collections.abc import Iterator

import click

from claude_sidecar.cli.call_lines import first_call, lines_of
from claude_sidecar.cli.check import STDIN
from claude_sidecar.cli.header_lines import header_lines
from claude_sidecar.cli.policy_argument import snapshot_of
from claude_sidecar.cli.rehearsed import rehearsed
from claude_sidecar.cli.retelling import retold
from claude_sidecar.cli.scene import WITHOUT_ANSWER, Answer, scene_of
from claude_sidecar.cli.sidecar_calls import remembered
from claude_sidecar.cli.timeline import Timeline, json_of, text_of
from claude_sidecar.cli.told_call import CallUnreadable

_SIDECAR = "http://127.0.0.1:8788"


def _checked_status(_context: click.Context, _parameter: click.Parameter, status: int | None) -> int | None:
    """A status that a response can end with: the sidecar relays any number of three digits but 1xx."""
    if status is not None and 100 <= status < 200:
        raise click.BadParameter(
            f"{status} is interim, and no call ends with it (RFC 9110, section 15.2): give the status of the "
            "final response"
        )
    if status is not None and not 200 <= status <= 999:
        raise click.BadParameter(
            "a status has three digits, from 200 on; for an answer that is no HTTP, give --error-type "
            "connection_error"
        )
    return status


@click.command(short_help="Say step by step what a policy makes of an error, or made of a call.")
@click.argument("file", metavar="[FILE]", required=False)
@click.option("--status", type=int, callback=_checked_status, help="Status of the response.")
@click.option(
    "--error-type",
    metavar="TYPE",
    help="error.type or error code in the body; by default the usual one of the status; '': a body that is "
    "no error's, as proxies answer. With --status 200 and --stream: an error event before the first delta; "
    "without --status: connection_error or timeout.",
)
@click.option("--message", metavar="TEXT", help="error.message in the body; some hints go by its wording.")
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
@click.option(
    "--from-log", metavar="LINE", help="Retell the call of a log line; `-`: the first of standard input."
)
@click.option(
    "--request", metavar="ID", help="Retell this call, by call id (sc_...) or the upstream's request id."
)
@click.option("--sidecar", metavar="URL", help=f"Admin port to ask for it; default: {_SIDECAR}.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    file: str | None,
    status: int | None,
    error_type: str | None,
    message: str | None,
    headers: tuple[str, ...],
    model: str | None,
    stream: bool,
    times: int | None,
    from_log: str | None,
    request: str | None,
    sidecar: str | None,
    as_json: bool,
) -> None:
    """Print step by step what the sidecar would do (wait, send to which route, deliver) and why.

    FILE is a policy, `-` standard input. Nothing is sent, and credentials need not be there. With --from-log
    or --request: what a sidecar did in a real call. FILE is then compared with the policy of the call.
    """
    if from_log is None and request is None:
        if sidecar is not None:
            raise click.UsageError("--sidecar goes with --request: it is asked for a call that was")
        answer = Answer(status=status, error_type=error_type, message=message, lines=header_lines(headers))
        timeline = _rehearsed(file, answer, model, stream=stream, times=times)
    elif any(given is not None for given in (status, error_type, message, model, times)) or headers or stream:
        raise click.UsageError("--from-log and --request tell what was: leave out what might have been")
    else:
        timeline = _retold(file, from_log, request, sidecar)
    print(json_of(timeline) if as_json else text_of(timeline))


def _rehearsed(
    file: str | None, answer: Answer, model: str | None, *, stream: bool, times: int | None
) -> Timeline:
    if file is None:
        raise click.UsageError("give FILE, the policy; or --from-log or --request for a call that was")
    if answer.status is None and answer.error_type not in WITHOUT_ANSWER:
        raise click.UsageError(f"give --status, or --error-type {' or '.join(WITHOUT_ANSWER)}")
    scene = scene_of(snapshot_of(file), answer, model, stream=stream, times=times)
    return rehearsed(scene, answer, stream=stream)


def _retold(file: str | None, from_log: str | None, request: str | None, sidecar: str | None) -> Timeline:
    if from_log is not None and sidecar is not None:
        raise click.UsageError("the call comes from --from-log or from --sidecar, not from both")
    if from_log == file == STDIN:
        raise click.UsageError("standard input is the policy or the log, not both")
    policy = None if file is None else snapshot_of(file)
    whose = "the policy in force" if file is None else file
    try:
        if from_log is not None:
            call = first_call(_log_lines(from_log), request)
        else:
            assert request is not None  # one of the two is why we are here
            found = remembered(sidecar or _SIDECAR)
            call, policy = found.call(request), policy or found.snapshot
    except CallUnreadable as trouble:
        raise click.ClickException(str(trouble)) from None
    return retold(call, policy, whose)


def _log_lines(from_log: str) -> Iterator[bytes | None]:
    if from_log == STDIN:
        return lines_of(sys.stdin.buffer)
    return iter([line.encode("utf-8", "replace") for line in from_log.splitlines()])
