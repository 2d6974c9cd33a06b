"""Plays the scenes one after the other and tells of them."""

import asyncio
import contextlib
import signal
import textwrap
from collections.abc import Callable, Iterator, Sequence

from claude_sidecar.demo.promise import HINT, Seen
from claude_sidecar.demo.scenes import POLICY, SCENES, Scene
from claude_sidecar.demo.sidecar_process import SidecarProcess
from claude_sidecar.demo.span_tree import span_tree
from claude_sidecar.demo.stage import Played, stage
from claude_sidecar.demo.text_table import Column, table
from claude_sidecar.telemetry import names

_WIDTH = 118
_TREE_OF = "529 on route one"

_COLUMNS = (
    Column("scene", 24),
    Column("what the upstream did", 30),
    Column("what the app got", 30),
    Column("attempts", 8, number=True),
    Column("route", 10),
    Column("added ms", 8, number=True),
)

Say = Callable[[str, str], None]
"""Shows a text and what ends it, at once."""


async def play(
    say: Say, scenes: Sequence[Scene] = SCENES, policy: str = POLICY, *, keep: bool = False
) -> bool:
    """Play scenes and tell of them; whether all went as the policy promises. Raises DidNotStart.

    keep: leave everything running after the last scene, until SIGINT or SIGTERM.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    say("The policy:", "\n")
    say(textwrap.indent(policy.replace("UPSTREAM", "(the simulator)"), "  "), "\n")
    say("Starting a simulated Claude API, the sidecar and the app ... ", "")
    async with stage(policy) as on_stage:
        sidecar = on_stage.sidecar
        say(f"ready in {loop.time() - began:.1f} s", "\n")
        say(f"Sidecar: {sidecar.url}, process {sidecar.pid}; admin page: {sidecar.admin_url}/", "\n\n")
        played = []
        width = max(len(scene.name) for scene in scenes)
        for number, scene in enumerate(scenes, 1):
            say(f"{number:>3}/{len(scenes)}  {scene.name:<{width}} ... ", "")
            one = await on_stage.play(scene)
            played.append(one)
            say(f"{'GONE OTHERWISE' if one.wrong else 'as promised'}, {one.seconds:.2f} s", "\n")
        say("", "\n")
        for line in _report(played, loop.time() - began):
            say(line, "\n")
        if sidecar.errors:
            say("\n  ".join(["The sidecar's log has errors:", *sidecar.errors]), "\n")
        if keep:
            on_stage.open_to_all()
            await _kept(say, sidecar)
        else:
            say(f"Admin page: {sidecar.admin_url}/ ends with the demo; `--keep` leaves it running.", "\n")
    return not any(one.wrong for one in played)


def _report(played: Sequence[Played], seconds: float) -> Iterator[str]:
    yield from table(_COLUMNS, [_row(one) for one in played])
    yield "added ms: until the answer's first byte, less what the send that gave it took; waits count."
    yield ""
    yield from _hints(played)
    for one in played:
        if one.scene.name == _TREE_OF:
            yield f"The trace of '{_TREE_OF}', as the sidecar exported it over OTLP:"
            yield from (f"  {line}" for line in span_tree(one.seen.spans))
            yield ""
    wrong = [one for one in played if one.wrong]
    if not wrong:
        yield f"All {len(played)} scenes went as the policy promises, in {seconds:.1f} s."
        return
    yield f"{len(wrong)} of {len(played)} scenes went otherwise than the policy promises:"
    for one in wrong:
        yield f"  {one.scene.name}"
        for difference in one.wrong:
            yield f"    {difference.what}: expected {difference.expected}"
            yield f"    {' ' * len(difference.what)}  seen     {difference.seen}"


def _row(one: Played) -> tuple[str, ...]:
    seen = one.seen
    added = seen.of_top(names.ADDED_LATENCY_MS)
    return (
        one.scene.name,
        _by_route(seen),
        seen.outcome.told,
        seen.of_top(names.ATTEMPTS) or "?",
        seen.of_top(names.ROUTE) or "?",
        f"{float(added):,.1f}" if added else "?",
    )


def _by_route(seen: Seen) -> str:
    told: dict[str, list[str]] = {}
    for served in seen.served:
        told.setdefault(served.route, []).append(served.told)
    return "; ".join(f"{route} {', '.join(what)}" for route, what in told.items()) or "was not asked"


def _hints(played: Sequence[Played]) -> Iterator[str]:
    hints = [(one.scene.name, one.seen.outcome.headers.get(HINT)) for one in played]
    if not any(hint for _, hint in hints):
        return
    yield f"What the sidecar told the app beside these errors ({HINT}):"
    for name, hint in hints:
        if hint:
            yield from textwrap.wrap(
                f"{name}: {hint}",
                _WIDTH,
                initial_indent="  ",
                subsequent_indent="    ",
                break_on_hyphens=False,
            )
    yield ""


async def _kept(say: Say, sidecar: SidecarProcess) -> None:
    loop = asyncio.get_running_loop()
    asked_to_end = asyncio.Event()
    # Before a word is said: who reads that it is up may press Ctrl-C at once.
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked_to_end.set)
    say(f"Admin page: {sidecar.admin_url}/", "\n")
    say(f"Try it yourself: ANTHROPIC_BASE_URL={sidecar.url} with any key that begins with sk-ant-.", "\n")
    say("The request header `x-simulate: 529` breaks a call. Ctrl-C ends it all.", "\n")
    try:
        await asked_to_end.wait()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(ValueError):
                loop.remove_signal_handler(number)
