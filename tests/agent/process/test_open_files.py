"""The limit of open files: raised at start, and where it is too low that is our own trouble, told as such."""

import asyncio
import collections
import contextlib
import json
import resource
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from support.fakes.raw_client import RawAnswer, ask, connected, request_bytes
from support.fakes.scripted_upstream import ScriptedUpstream, Until
from support.fakes.wire_bytes import answer, message_body
from support.free_ports import free_ports
from tests.agent.proxy.conftest import policy_text

pytestmark = pytest.mark.processes

PROGRAM = Path(sys.executable).parent / "claude-sidecar"


class Limited:
    """A sidecar process that was started with a limit of its own."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, admin_port: int, log: Path) -> None:
        self.process, self.port, self.admin_port, self.log = process, port, admin_port, log

    async def message(self) -> RawAnswer:
        return await ask(self.port, request_bytes(body=message_body()))

    async def told(self, path: str) -> RawAnswer:
        return await ask(self.admin_port, request_bytes("GET", path, key=None))


@pytest.fixture(autouse=True)
def own_limit() -> Iterator[None]:
    """This process holds the other end of every connection."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@contextlib.asynccontextmanager
async def limited(
    ulimit: str, upstream: ScriptedUpstream, folder: Path, taken: int = 0
) -> AsyncIterator[Limited]:
    """A sidecar before an upstream, behind `ulimit`; each call is sent once. taken: files open from birth."""
    policy, log = folder / "policy.yaml", folder / "log"
    route = {"name": "only", "endpoint": f"http://127.0.0.1:{upstream.port}"}
    policy.write_text(policy_text({"routes": [route], "retry": {"maxAttempts": 1}}))
    port, admin_port = free_ports(2)
    run = (PROGRAM, "run", "--policy", policy, "--port", str(port), "--admin-port", str(admin_port))
    with contextlib.ExitStack() as stack:
        out = stack.enter_context(log.open("wb"))
        inherited = [stack.enter_context(log.open("rb")).fileno() for _ in range(taken)]
        shell = ("sh", "-c", f'{ulimit} && exec "$@"', "sh")
        process = await asyncio.create_subprocess_exec(*shell, *run, stderr=out, pass_fds=inherited)
    try:
        sidecar = Limited(process, port, admin_port, log)
        for _ in range(300):
            with contextlib.suppress(OSError):
                if (await sidecar.told("/readyz")).status == 200:
                    break
            await asyncio.sleep(0.1)
        yield sidecar
    finally:
        process.terminate()
        await process.wait()


@contextlib.asynccontextmanager
async def silent_connections(port: int, count: int) -> AsyncIterator[None]:
    """Connections that say nothing."""
    opened = await asyncio.gather(*(asyncio.open_connection("127.0.0.1", port) for _ in range(count)))
    yield
    for _, writer in opened:
        writer.transport.abort()


async def answers_again(sidecar: Limited) -> bool:
    """Whether calls on new connections are answered within seconds, once others rest."""
    for _ in range(50):
        if (await sidecar.message()).status == 200:
            return True
        await asyncio.sleep(0.1)
    return False


def outcome(got: RawAnswer) -> str:
    return "200" if got.status == 200 else json.loads(got.body)["error"]["type"] if got.body else got.end


async def test_soft_limit_is_raised_to_the_hard_one(tmp_path: Path) -> None:
    upstream = ScriptedUpstream()
    async with upstream.running(), limited("ulimit -Sn 256", upstream, tmp_path) as sidecar:
        soft, hard = resource.prlimit(sidecar.process.pid, resource.RLIMIT_NOFILE)
        assert soft == hard == resource.getrlimit(resource.RLIMIT_NOFILE)[1]


async def test_512_calls_at_once_beside_1100_silent_connections_on_the_admin_port(tmp_path: Path) -> None:
    all_here = asyncio.Event()
    upstream = ScriptedUpstream(otherwise=[Until(all_here), answer()])
    async with upstream.running(), limited("ulimit -Sn 1024", upstream, tmp_path) as sidecar:
        async with silent_connections(sidecar.admin_port, 1100):
            calls = [asyncio.create_task(sidecar.message()) for _ in range(512)]
            for _ in range(600):
                if len(upstream.requests) == 512:
                    break
                await asyncio.sleep(0.05)
            assert (await sidecar.told("/readyz")).status == 200
            all_here.set()
            outcomes = collections.Counter(outcome(got) for got in await asyncio.gather(*calls))
        assert outcomes == {"200": 512}


async def test_running_out_of_files_is_our_own_trouble_and_passes(tmp_path: Path) -> None:
    go = asyncio.Event()
    upstream = ScriptedUpstream(otherwise=[Until(go), answer()])
    async with (
        upstream.running(),
        limited("ulimit -n 200", upstream, tmp_path, taken=130) as sidecar,
        contextlib.AsyncExitStack() as stack,
    ):
        apps = [await stack.enter_async_context(connected(sidecar.port)) for _ in range(30)]
        assert (await sidecar.told("/readyz")).status == 200
        for app in apps:
            await app.send(request_bytes(body=message_body()))
        answers = [asyncio.create_task(app.receive()) for app in apps]
        await asyncio.wait(answers, timeout=30, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(1)
        refused = [task.result() for task in answers if task.done()]
        assert 0 < len(refused) < 30
        for got in refused:
            assert outcome(got) == "gateway_busy"
            assert "no file descriptor is left: the sidecar may open 200 files" in got.body.decode()
            assert (got.header("x-should-retry"), got.header("retry-after")) == ("true", "1")
            assert got.header("x-claude-sidecar-attempts") == "0"
        go.set()
        outcomes = collections.Counter(outcome(got) for got in await asyncio.gather(*answers))
        assert outcomes == {"200": 30 - len(refused), "gateway_busy": len(refused)}
        assert await answers_again(sidecar)
        (route,) = json.loads((await sidecar.told("/routes")).body)
        assert (route["breaker"], route["lastError"]) == ("closed", None)
        breakers = [breaker for kinds in route["breakers"].values() for breaker in kinds.values()]
        assert [breaker["recentFailures"] for breaker in breakers] == [0]
    assert "out of files: none is left for connections" in sidecar.log.read_text()


async def test_limit_that_is_too_low_for_max_concurrent_is_said_at_start(tmp_path: Path) -> None:
    upstream = ScriptedUpstream(otherwise=answer())
    async with upstream.running(), limited("ulimit -n 500", upstream, tmp_path) as sidecar:
        assert (await sidecar.message()).status == 200
    (line,) = [line for line in sidecar.log.read_text().splitlines() if "too low" in line]
    told = json.loads(line)
    assert told["message"] == "the limit of open files is too low for limits.maxConcurrent"
    assert (told["limit"], told["calls"], told["max_concurrent"]) == (500, 176, 512)
