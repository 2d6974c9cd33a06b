"""`claude-sidecar doctor`: finds what is wrong with a key, a model's name, a base URL, a route."""

import asyncio
import os
import sys
from pathlib import Path

import click

from claude_sidecar.doctor.check import Check, Verdict, verdict_of
from claude_sidecar.doctor.examination import Examination
from claude_sidecar.doctor.report import json_of, last_line, line_of
from claude_sidecar.doctor.surroundings import Asked, Surroundings
from claude_sidecar.schema.endpoint import parse_endpoint
from claude_sidecar.upstream.system_resolver import SystemResolver

_EXIT = {Verdict.HEALTHY: 0, Verdict.FAULT: 1, Verdict.UNKNOWN: 3}


@click.command(
    short_help="Find what is wrong with a key, a model, a base URL, a route.",
    epilog="Exit codes: 0 healthy, 1 a fault was found, 2 usage error, 3 could not tell.",
)
@click.option(
    "--policy", type=click.Path(path_type=Path), help="Examine each route of this ClaudePolicy file."
)
@click.option("--base-url", metavar="URL", help="Where to call; default: ANTHROPIC_BASE_URL, else the API.")
@click.option("--sidecar", metavar="URL", help="Admin port of a running sidecar: http://127.0.0.1:8788.")
@click.option(
    "--key-env",
    metavar="NAME",
    help="Variable that holds the key; default: what SDKs read, ANTHROPIC_API_KEY and ANTHROPIC_AUTH_TOKEN.",
)
@click.option("--key-file", metavar="FILE", help="File that holds the key; `-` is standard input.")
@click.option("--model", metavar="NAME", help="Model that your app wants.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.argument("unwanted", metavar="", nargs=-1)
def command(
    policy: Path | None,
    base_url: str | None,
    sidecar: str | None,
    key_env: str | None,
    key_file: str | None,
    model: str | None,
    as_json: bool,
    unwanted: tuple[str, ...],
) -> int:
    """Find what is wrong, and say what to do: one line a check, in at most a minute.

    Looks at the key's shape, proxy variables, DNS, TLS, the clock and the list of models, which costs
    nothing; then, after saying so, makes one or two calls of one output token at each endpoint. Keys are
    never printed, nor taken as an argument.
    """
    if unwanted:  # click's own words would repeat what may be a key
        raise click.UsageError("takes no argument: a key comes in a variable, a file or standard input")
    if key_env is not None and key_file is not None:
        raise click.UsageError("give --key-env or --key-file, not both")
    if policy is not None and (base_url is not None or sidecar is not None):
        raise click.UsageError("--policy names its own endpoints: give it without --base-url and --sidecar")
    if sidecar is not None:
        _check_url(sidecar)
    asked = Asked(key_env, key_file, policy, base_url, sidecar, model)
    around = Surroundings(
        os.environ,
        sys.stdin.buffer,
        SystemResolver(),
        tell=_ignore if as_json else _print,
        say=lambda text: print(text, file=sys.stderr if as_json else sys.stdout, flush=True),
    )
    checks = asyncio.run(Examination(asked, around).run())
    print(json_of(checks) if as_json else last_line(checks))
    return _EXIT[verdict_of(checks)]


def _check_url(sidecar: str) -> None:
    try:
        parse_endpoint(sidecar)
    except ValueError as error:
        raise click.BadParameter(f"{error}", param_hint="--sidecar") from None


def _print(check: Check) -> None:
    print(line_of(check), flush=True)


def _ignore(_: Check) -> None:
    """With --json all is printed at the end."""
