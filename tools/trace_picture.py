"""Takes the picture of a trace for the docs: `python tools/trace_picture.py [PNG]`.

Scenes of the demo are played through a real sidecar into Phoenix, a trace store with pages, and a headless
browser photographs one of them. Phoenix is installed into the user's cache folder from its lock (0.9 GB, two
minutes, once); chromium and pngquant come from PATH, or on Debian, to root, by apt.
"""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import format_trace_id
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from chromium import chromium
from claude_sidecar.demo.app import app
from claude_sidecar.demo.scenes import FIRST_KEY, POLICY, SCENES, SECOND_KEY, SECOND_KEY_VARIABLE, api
from claude_sidecar.demo.sidecar_process import sidecar_process
from claude_sidecar.simulator import Simulator
from debian_program import from_debian
from locked_folder import ROOT, USER_CACHE, digest
from toolchain import run, say

LOCK = ROOT / "requirements" / "phoenix.txt"
PICTURE = ROOT / "docs" / "trace.png"
SCENE = "529 everywhere for 2 s"
WINDOW = (1500, 1020)
READY_S = 90.0
ARRIVED_S = 20.0
MOST_BYTES = 300_000
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def phoenix() -> Path:
    """`phoenix`, installed where it is not yet."""
    folder = USER_CACHE / f"phoenix-{digest(sys.version, LOCK)[:16]}"
    if not (folder / ".whole").exists():
        say(f"installing requirements/{LOCK.name} into {folder}, once: 0.9 GB, two minutes")
        run(sys.executable, "-m", "venv", "--clear", folder)
        pip = (folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        run("nice", *pip, "--require-hashes", "-r", LOCK)
        (folder / ".whole").touch()
    return folder / "bin" / "phoenix"


def free_ports(count: int) -> list[int]:
    """Ports of loopback that were free a moment ago."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


@contextlib.contextmanager
def serving(program: Path, folder: Path) -> Iterator[str]:
    """Phoenix until the end of the block; yields its address."""
    port, grpc_port = free_ports(2)
    settings = {
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(grpc_port),
        "PHOENIX_WORKING_DIR": str(folder),
        "PHOENIX_TELEMETRY_ENABLED": "false",
    }
    with (folder / "phoenix.log").open("wb") as log:
        process = subprocess.Popen([program, "serve"], stdout=log, stderr=log, env=os.environ | settings)
    url = f"http://127.0.0.1:{port}"
    try:
        last = time.monotonic() + READY_S
        while not answers(f"{url}/healthz"):
            if process.poll() is not None or time.monotonic() > last:
                raise SystemExit(f"{(folder / 'phoenix.log').read_text()}\nmake: Phoenix did not start")
            time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait()


def answers(url: str) -> bool:
    """Whether a page is there."""
    with contextlib.suppress(OSError):
        return bool(DIRECT.open(url, timeout=5).status == 200)
    return False


def span_to_show(store: str, trace_id: str) -> str:
    """The id of the sidecar's top span in a trace, once it has come."""
    url = f"{store}/v1/projects/default/spans?trace_id={trace_id}&limit=100"
    last = time.monotonic() + ARRIVED_S
    while time.monotonic() < last:
        with DIRECT.open(url, timeout=5) as answer:
            spans = json.load(answer)["data"]
        for span in spans:
            if span["name"] == "POST /v1/messages" and span["context"]["trace_id"] == trace_id:
                return str(span["context"]["span_id"])
        time.sleep(0.2)
    raise SystemExit(f"make: trace {trace_id} did not come to Phoenix within {ARRIVED_S:.0f} s")


async def play(store: str) -> str:
    """Play every scene, each in a span of the app's own; the id of the trace to show."""
    provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{store}/v1/traces")))
    tracer = provider.get_tracer("shop")
    environ = {
        SECOND_KEY_VARIABLE: SECOND_KEY,
        "OTEL_EXPORTER_OTLP_ENDPOINT": store,
        "OTEL_BSP_SCHEDULE_DELAY": "50",
    }
    upstream, shown = Simulator(api()), ""
    async with (
        upstream.running() as url,
        sidecar_process(POLICY.replace("UPSTREAM", url), environ) as sidecar,
        app(sidecar.url) as the_app,
    ):
        for scene in SCENES:
            upstream.use(scene.scenario())
            key = f'"{FIRST_KEY}"' if scene.asked.quoted_key else FIRST_KEY
            with tracer.start_as_current_span("answer a customer") as span:
                carrier: dict[str, str] = {}
                TraceContextTextMapPropagator().inject(carrier)
                outcome = await the_app.call(scene.asked, key, carrier["traceparent"])
            say(f"{scene.name}: {outcome.told}")
            if scene.name == SCENE:
                shown = format_trace_id(span.get_span_context().trace_id)
    await asyncio.to_thread(provider.shutdown)
    return shown


def photograph(url: str, picture: Path) -> None:
    """The page as a picture, with as few colours as it needs."""
    browser = chromium()
    with tempfile.TemporaryDirectory(prefix="claude-sidecar-browser-") as profile:
        raw = Path(profile, "raw.png")
        quiet = ("gpu", "quic", "background-networking", "component-update", "sync")
        flags = [*(f"--disable-{name}" for name in quiet), "--no-first-run", "--no-sandbox"]
        size = f"--window-size={WINDOW[0]},{WINDOW[1]}"
        view = ["--headless", "--hide-scrollbars", size, "--virtual-time-budget=20000"]
        command = [browser, *flags, *view, f"--user-data-dir={profile}", f"--screenshot={raw}", url]
        ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
        if ended.returncode != 0 or not raw.exists():  # else it complains of a desktop that is not there
            raise SystemExit(f"{ended.stderr}\nmake: the browser took no picture: see above")
        run(from_debian("pngquant"), "--force", "--quality=60-95", "--output", picture, raw)
    if picture.stat().st_size > MOST_BYTES:
        raise SystemExit(f"make: {picture} has {picture.stat().st_size} bytes, more than {MOST_BYTES}")


def main() -> None:
    """Take it."""
    picture = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE
    program = phoenix()
    with (
        tempfile.TemporaryDirectory(prefix="claude-sidecar-phoenix-") as folder,
        serving(program, Path(folder)) as store,
    ):
        trace_id = asyncio.run(play(store))
        photograph(f"{store}/redirects/spans/{span_to_show(store, trace_id)}", picture)
    say(f"{picture} has {picture.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
