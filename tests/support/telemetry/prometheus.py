"""A real Prometheus as a child process, and what it answers."""

import contextlib
import json
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from support.cluster.component import Component
from support.cluster.waiting import until
from support.free_ports import free_ports
from support.project import ROOT

TOOL = ROOT / "tools" / "prometheus_programs.py"
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def programs() -> Path:
    """The folder of `prometheus` and `promtool`; AssertionError with what to do where they are missing."""
    ended = subprocess.run([sys.executable, TOOL, "--only-look"], check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr.strip()
    return Path(ended.stdout.strip())


class Prometheus:
    """A server that scrapes and evaluates."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def get(self, path: str, **query: str) -> Any:
        """`data` of an answer of the API; AssertionError with what it says where it refuses."""
        url = f"{self._url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        try:
            with _DIRECT.open(url, timeout=20) as answer:
                said = json.load(answer)
        except urllib.error.HTTPError as refused:
            raise AssertionError(f"{query}: {refused.read().decode()}") from None
        assert said["status"] == "success", said
        return said["data"]

    def query(self, expr: str, at: float | None = None) -> list[dict[str, Any]]:
        """The series of an expression at a time, by default now; each has `metric` and `value`."""
        when = {} if at is None else {"time": str(at)}
        found: list[dict[str, Any]] = self.get("query", query=expr, **when)["result"]
        return found

    def is_ready(self) -> bool:
        """Whether it serves."""
        with contextlib.suppress(OSError):
            return bool(_DIRECT.open(f"{self._url}/-/ready", timeout=5).status == 200)
        return False


@contextlib.contextmanager
def prometheus(folder: Path, configuration: dict[str, Any]) -> Iterator[Prometheus]:
    """Run one until the end of the block. folder: for its files; configuration: its `prometheus.yml`."""
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(configuration))
    (port,) = free_ports(1)
    flags = (
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    )
    process = Component(programs() / "prometheus", [*flags], folder / "prometheus.log")
    process.start()
    try:
        running = Prometheus(port)

        def is_ready() -> bool:
            process.check()
            return running.is_ready()

        until(is_ready, "Prometheus is ready")
        yield running
    finally:
        process.stop()
