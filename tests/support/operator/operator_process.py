"""`claude-operator reconcile` as a real process."""

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from support.cluster.ending import ended_or_killed
from support.cluster.waiting import until

QUICK = ("--ask-every-seconds", "1", "--resync-seconds", "1", "--lease-seconds", "15")


class OperatorProcess:
    """A running operator. lines: what it logged so far."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.lines: list[dict[str, Any]] = []
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _read(self) -> None:
        assert self._process.stderr
        for line in self._process.stderr:
            try:
                self.lines.append(json.loads(line))
            except ValueError:
                self.lines.append({"message": line.rstrip()})

    def said(self, message: str) -> dict[str, Any] | None:
        """The first line with this message."""
        return next((line for line in list(self.lines) if line.get("message") == message), None)

    def wait_until_said(self, message: str, seconds: float = 60.0) -> dict[str, Any]:
        """That line, as soon as it is there."""
        found = until(
            lambda: self.said(message) or self._process.poll() is not None,
            f"the operator says {message!r}",
            seconds=seconds,
        )
        assert isinstance(found, dict), f"it ended with {self._process.poll()}: {self.lines[-8:]}"
        return found

    def probe(self, path: str) -> tuple[int, str]:
        """Status and text of /livez, /readyz or /metrics."""
        port = self.wait_until_said("started")["port"]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels."""
        text, total = self.probe("/metrics")[1], 0.0
        for found in re.finditer(rf"^{name}(?:\{{(.*?)\}})? (\S+)", text, re.MULTILINE):
            has = dict(re.findall(r'(\w+)="([^"]*)"', found[1] or ""))
            if labels.items() <= has.items():
                total += float(found[2])
        return total

    def rss_mib(self) -> float:
        """Its memory."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]

    def wait(self, seconds: float = 60.0) -> int:
        """Its exit code, once it ended."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"not ended within {seconds:g} s: {self.lines[-8:]}") from None
        self.reader.join()
        return code

    def end(self, kill: bool = False) -> int:
        """Stop it, politely or not; its exit code."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        try:
            return ended_or_killed(self._process)
        finally:
            self.reader.join()


@contextlib.contextmanager
def operator_process(
    kubeconfig: Path, namespace: str, *options: str, environ: Mapping[str, str] = os.environ
) -> Iterator[OperatorProcess]:
    """Started now, gone at the end of the block."""
    given = ["--kubeconfig", str(kubeconfig), "--namespace", namespace, "--port", "0", *QUICK, *options]
    command = [sys.executable, "-m", "claude_operator.cli.main", "reconcile", *given]
    clean = {key: value for key, value in environ.items() if not key.startswith("CLAUDE_OPERATOR")}
    started = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=clean)
    running = OperatorProcess(started)
    try:
        yield running
    finally:
        if started.poll() is None:
            running.end()
        running.reader.join()
        assert started.stderr
        started.stderr.close()
