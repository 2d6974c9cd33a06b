"""`claude-sidecar replay`: an outage on virtual time, and what policies would have made of it."""

import gc
import sys
from pathlib import Path

import click
import msgspec

from claude_sidecar.cli.check import STDIN
from claude_sidecar.cli.policy_argument import snapshot_of
from claude_sidecar.replay.comparison import Comparison, compared, json_of
from claude_sidecar.replay.outage import Outage, OutageInvalid
from claude_sidecar.replay.outage_file import MOST_BYTES, load_outage, outage_in
from claude_sidecar.replay.page import page_of
from claude_sidecar.replay.play import Progress
from claude_sidecar.replay.side_by_side import play_both
from claude_sidecar.replay.words import words_of
from claude_sidecar.schema.compile import compile_policy, default_policy
from claude_sidecar.schema.snapshot import Snapshot
from claude_sidecar.telemetry.bounds import LINE_CHARS, clean

_TOLD_EVERY = 500
_GARBAGE_OBJECTS = 50_000


@click.command(short_help="Play an outage through a policy, on virtual time.")
@click.argument("file", metavar="FILE")
@click.option("--policy", "new", metavar="NEW", required=True, help="The ClaudePolicy to be judged.")
@click.option(
    "--against",
    "old",
    metavar="OLD",
    help="The one it is held against; by default the built-in policy.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--html", "page", type=click.Path(path_type=Path), metavar="OUT", help="Write a page, too.")
@click.option(
    "--seed", default=0, show_default=True, type=click.IntRange(0, 2**63 - 1), help="Of all chance."
)
def command(file: str, new: str, old: str | None, as_json: bool, page: Path | None, seed: int) -> None:
    """Say what a policy would have made of an outage, beside the policy in force.

    FILE is the list of calls that /requests of the admin port gives, or an outage written in YAML; `-` is
    standard input. The proxy's own engine runs on virtual time: nothing is sent, and credentials need not be
    there.
    """
    if [file, new, old].count(STDIN) > 1:
        raise click.UsageError("only one of FILE, NEW and OLD can be standard input")
    try:
        outage = outage_in(sys.stdin.buffer.read(MOST_BYTES + 1), "<stdin>") if file == STDIN else _load(file)
    except OutageInvalid as invalid:
        for problem in invalid.problems:
            print(clean(problem, LINE_CHARS), file=sys.stderr)
        raise SystemExit(1) from None
    snapshot = snapshot_of(new)
    against, notes = _in_force(outage, old)
    gc.freeze()
    gc.set_threshold(_GARBAGE_OBJECTS)
    courses = play_both(outage, against, snapshot, seed, _progress(outage))
    comparison = compared(outage, *courses, seed, notes)
    if page is not None:
        _write(page, page_of(comparison))
    _print(comparison, as_json)


def _load(file: str) -> Outage:
    return load_outage(Path(file))


def _print(comparison: Comparison, as_json: bool) -> None:
    if as_json:
        print(msgspec.json.encode(json_of(comparison)).decode())
        return
    for line in words_of(comparison):
        print(line)


def _in_force(outage: Outage, old: str | None) -> tuple[Snapshot, list[str]]:
    """The policy to be held against, and what is to be said of the choice."""
    recorded = outage.recorded
    chosen = snapshot_of(old) if old is not None else compile_policy(default_policy())
    if recorded is None or chosen.hash == recorded.policy_hash:
        return chosen, []
    what = f"the calls were recorded under policy {recorded.policy} (hash {recorded.policy_hash})"
    if old is None:
        beside = "beside it stands the built-in policy: give the recorded one with --against"
    else:
        beside = f"policy {chosen.name} has another hash, {chosen.hash}"
    return chosen, [f"{what}; {beside}"]


def _progress(outage: Outage) -> Progress:
    """Tells how far it is, where somebody looks and it takes its time."""
    total, tells = len(outage.calls), sys.stderr.isatty() and len(outage.calls) >= 4 * _TOLD_EVERY

    def progress(ended: int) -> None:
        if tells and (ended % _TOLD_EVERY == 0 or ended == total):
            end = "\n" if ended == total else ""
            print(f"\r{ended:,} of {total:,} calls played", end=end, file=sys.stderr, flush=True)

    return progress


def _write(page: Path, text: str) -> None:
    try:
        page.write_text(text, "utf-8")
    except OSError as error:
        print(f"claude-sidecar: {page}: can't be written: {error.strerror or error}", file=sys.stderr)
        raise SystemExit(1) from None
