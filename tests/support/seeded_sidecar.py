"""`claude-sidecar` as ever, but that its calls draw what a replay's draw: SEED, then the usual arguments.

A call is told its number by the header `x-call`. Run as a program.
"""

import sys

from claude_sidecar import clock
from claude_sidecar.cli.main import main
from claude_sidecar.proxy.engine import Engine
from claude_sidecar.replay.chance import drawn, draws


def _numbered(seed: int) -> None:
    run = Engine.run

    async def numbered(self, context):
        draws(seed, int(context.call.index[b"x-call"]))
        return await run(self, context)

    Engine.run = numbered
    clock.chance = drawn


if __name__ == "__main__":
    _numbered(int(sys.argv.pop(1)))
    main()
