"""`python -m bench.webhook`: reviews at a steady rate over TLS; prints a table, exit code 1 over the bar."""

import argparse
import asyncio
import contextlib
import itertools
import os
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import uvloop

from bench.cores import Neighbours, running_on, share_out
from bench.webhook.reviews import reviews

BAR_MS = 10.0
_WARM_UP = 100


@contextlib.contextmanager
def _server(cores: frozenset[int]) -> Iterator[tuple[int, int]]:
    """Port and process id."""
    command = [sys.executable, "-m", "bench.webhook.server"]
    with running_on(cores):
        started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with started as process:
        assert process.stdout
        yield int(process.stdout.readline()), process.pid
        assert process.stdin
        process.stdin.close()


async def _load(port: int, rate: float, seconds: float, connections: int) -> list[float]:
    """Milliseconds of each review from when it was due, so that waiting for a slow one counts."""
    bodies = itertools.cycle(reviews())
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    connector = aiohttp.TCPConnector(ssl=tls, limit=connections)
    took: list[float] = []
    async with aiohttp.ClientSession(connector=connector) as session:

        async def ask(due: float) -> None:
            body = next(bodies)
            async with session.post(f"https://127.0.0.1:{port}/mutate", data=body) as answer:
                content = await answer.read()
                assert answer.status == 200, answer.status
                assert b'"patch"' in content, "a review went without its patch"
            took.append((time.perf_counter() - due) * 1000)

        for _ in range(_WARM_UP):
            await ask(time.perf_counter())
        took.clear()
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(int(rate * seconds)):
                due = began + number / rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                group.create_task(ask(due))
    return took


def main() -> int:
    """Exit code 0 when the bar is met at the rate that was asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench.webhook", description=__doc__)
    parser.add_argument("--rate", type=float, default=50.0, help="reviews a second (default 50)")
    parser.add_argument("--seconds", type=float, default=30.0, help="of the load (default 30)")
    parser.add_argument("--connections", type=int, default=4, help="at most (default 4)")
    asked = parser.parse_args()
    cores, neighbours = share_out(frozenset(os.sched_getaffinity(0))), Neighbours()
    with _server(cores.sidecar) as (port, process), running_on(cores.others):
        took = uvloop.run(_load(port, asked.rate, asked.seconds, asked.connections))
        status = Path(f"/proc/{process}/status").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]
    percent = statistics.quantiles(took, n=100)
    met = percent[98] <= BAR_MS
    print(f"{len(took)} reviews at {asked.rate:g}/s, {asked.connections} connections at most, over TLS\n")
    print("| p50 | p90 | p99 | longest | bar for p99 | RSS |\n| --- | --- | --- | --- | --- | --- |")
    cells = [f"{each:.2f} ms" for each in (percent[49], percent[89], percent[98], max(took))]
    cells += [f"{BAR_MS:g} ms {'met' if met else 'MISSED'}", f"{int(resident) / 1024:.0f} MiB"]
    print(f"| {' | '.join(cells)} |")
    print(f"\nother programs used {100 * neighbours.share():.0f} % of the machine meanwhile")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
