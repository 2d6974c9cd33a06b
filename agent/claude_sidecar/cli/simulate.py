"""`claude-sidecar simulate`: the simulated Claude API as a process."""

import asyncio
import errno
import signal
import sys
from pathlib import Path

import click

from claude_sidecar.simulator import Scenario, ScenarioError, Simulator, load
from claude_sidecar.simulator.scenario import Timing

_PORT_TROUBLE = {
    errno.EADDRINUSE: "the port is taken",
    errno.EACCES: "the port is privileged",
    errno.EADDRNOTAVAIL: "this machine has no such address",
}


@click.command("simulate")
@click.option(
    "--port", default=8789, show_default=True, type=click.IntRange(0, 65535), help="0: any free one."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; empty: all.")
@click.option(
    "--scenario", "scenario_file", type=click.Path(path_type=Path), help="YAML: keys, limits, rules."
)
@click.option("--seed", type=int, help="Random seed; overrides the scenario's.")
@click.option("--first-token", type=click.FloatRange(min=0), help="Seconds before the first token.")
@click.option("--tokens-per-second", type=click.FloatRange(min=0), help="Speed of answers; 0: at once.")
def command(
    port: int,
    host: str,
    scenario_file: Path | None,
    seed: int | None,
    first_token: float | None,
    tokens_per_second: float | None,
) -> None:
    """Serve a simulated Claude API: rate limits, scripted faults, a ledger of what was served.

    Prints its base URL when it is ready; ends on SIGTERM or Ctrl-C. The ledger is at /_simulator/ledger.
    """
    try:
        scenario = load(scenario_file) if scenario_file else Scenario()
    except ScenarioError as error:
        sys.exit(_fail("\n".join(error.problems)))
    given = {"first_token": first_token, "tokens_per_second": tokens_per_second}
    changed = {name: value for name, value in given.items() if value is not None}
    timing = Timing.model_validate({**scenario.timing.model_dump(), **changed})
    scenario = scenario.model_copy(update={"timing": timing})
    try:
        asyncio.run(_serve(Simulator(scenario, seed), host, port))
    except OSError as error:
        reason = _PORT_TROUBLE.get(error.errno or 0, error.strerror or str(error))
        sys.exit(
            _fail(f"cannot listen on {host}:{port}: {reason}. Choose another with --port (0: any free one).")
        )


async def _serve(simulator: Simulator, host: str, port: int) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with simulator.running(port, host) as base_url:
        click.echo(f"The simulated Claude API is ready at {base_url}")
        sys.stdout.flush()
        await stopped.wait()


def _fail(message: str) -> int:
    click.echo(message, err=True)
    return 1
