"""`python -m bench.webhook`: reviews at a steady rate over TLS; keeps figures; exit code 1 over the bar."""

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

from bench.cores import running_on, share_out
from bench.telling import Telling
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
    usable = frozenset(os.sched_getaffinity(0))
    cores = share_out(usable)
    load = f"{asked.rate:g} reviews a second for {asked.seconds:g} s, {asked.connections} connections at most"
    pinned = "the webhook alone on one core" if cores.pinned else "nothing pinned"
    telling = Telling("webhook", f"{load}, over TLS; {pinned}")
    with _server(cores.sidecar) as (port, process), running_on(cores.others):
        took = uvloop.run(_load(port, asked.rate, asked.seconds, asked.connections))
        status = Path(f"/proc/{process}/status").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]
    percent = statistics.quantiles(took, n=100)
    met = percent[98] <= BAR_MS
    for figure, value in (("p50", percent[49]), ("p90", percent[89]), ("longest", max(took))):
        telling.tell(f"{figure}, ms", f"{value:.2f}")
    telling.tell(f"p99, ms; bar: {BAR_MS:g}", f"{percent[98]:.2f} {'met' if met else 'MISSED'}")
    telling.tell("memory (RSS), MiB", f"{int(resident) / 1024:.0f}")
    print(f"kept in {telling.keep(len(usable))}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
