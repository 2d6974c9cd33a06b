"""What real sidecars say, in counts and conditions; edits that reach them; answers that nobody believes."""

import contextlib
import http.server
import threading
from collections.abc import Iterator

import pytest
from support.cluster.waiting import until
from support.operator.operator_process import OperatorProcess
from support.operator.stand_in import StandIns, free_address

from claude_operator import names

KEYED = {"routes": [{"name": "own", "credential": {"secretKeyRef": {"key": "k"}}}]}


@pytest.fixture(autouse=True)
def _running(operator: OperatorProcess) -> None:
    """Every test here has its operator."""


def handed_out(policies, **spec: object) -> None:
    policies.apply(**spec)
    policies.wait_for("Programmed", "True/Programmed")


def test_running_sidecar_makes_the_policy_programmed_and_counted(policies, stand_ins: StandIns) -> None:
    handed_out(policies)
    stand_ins.run(policies.namespace, "production")
    until(lambda: policies.status()["podsSummary"] == "1/1", "it is counted")
    assert policies.condition("Programmed") == "True/Programmed"
    assert policies.condition("ResolvedRefs") == "True/ResolvedRefs"


def test_edit_is_told_nudged_and_current_once_the_sidecar_has_it(policies, stand_ins: StandIns) -> None:
    handed_out(policies)
    pod = stand_ins.run(policies.namespace, "production")
    until(lambda: policies.status()["podsSummary"] == "1/1", "it is current")
    policies.apply(retry={"maxAttempts": 2})
    policies.wait_for("Programmed", "False/Reconciling")
    wanted = policies.status()["hash"]
    until(
        lambda: pod.object()["metadata"]["annotations"].get(names.NUDGE) == wanted,
        "it is nudged",
    )
    pod.sync()
    policies.wait_for("Programmed", "True/Programmed")
    assert policies.status()["podsSummary"] == "1/1"


def test_missing_credential_is_a_condition_and_an_event(policies, stand_ins: StandIns) -> None:
    handed_out(policies, **KEYED)
    pod = stand_ins.run(policies.namespace, "production")
    policies.wait_for("ResolvedRefs", "False/CredentialMissing")
    until(lambda: ("ClaudePolicy", "production", "CredentialMissing") in policies.reasons(), "that is told")
    (pod.secrets / names.DEFAULT_SECRET).mkdir()
    (pod.secrets / names.DEFAULT_SECRET / "k").write_text("sk-ant-api03-test")
    policies.wait_for("ResolvedRefs", "True/ResolvedRefs")


def test_edit_that_would_leave_a_pod_without_credential_requires_its_restart(
    policies, stand_ins: StandIns
) -> None:
    handed_out(policies)
    pod = stand_ins.run(policies.namespace, "production")
    until(lambda: policies.status()["podsSummary"] == "1/1", "it is current")
    policies.apply(**KEYED)
    until(lambda: "secretKeyRef" in policies.file(), "the edit is handed out")
    pod.sync()
    policies.wait_for("Programmed", "False/RestartRequired")
    assert policies.status()["pods"]["restartRequired"] == 1
    until(lambda: ("ClaudePolicy", "production", "RestartRequired") in policies.reasons(), "that is told")


def test_host_that_the_pod_does_not_allow_is_told(policies, stand_ins: StandIns) -> None:
    handed_out(policies)
    allowed = {"CLAUDE_SIDECAR_INJECTED": "true", "CLAUDE_SIDECAR_ALLOWED_HOSTS": "api.anthropic.com"}
    pod = stand_ins.run(policies.namespace, "production", env=allowed)
    until(lambda: policies.status()["podsSummary"] == "1/1", "it is current")
    policies.apply(routes=[{"name": "a", "endpoint": "https://evil.example"}])
    until(lambda: "evil.example" in policies.file(), "the edit is handed out")
    pod.sync()
    policies.wait_for("Programmed", "False/Refused")
    until(lambda: ("ClaudePolicy", "production", "SidecarRefuses") in policies.reasons(), "that is told")


def test_first_policy_that_leads_where_the_pod_may_not_does_not_count_as_run(
    policies, stand_ins: StandIns
) -> None:
    handed_out(policies, routes=[{"name": "anthropic"}])  # what the built-in policy says too
    bounds = {"CLAUDE_SIDECAR_INJECTED": "true", "CLAUDE_SIDECAR_ALLOWED_HOSTS": "gateway.example"}
    stand_ins.run(policies.namespace, "production", env=bounds)
    policies.wait_for("Programmed", "False/Refused")
    assert policies.status()["pods"]["current"] == 0
    until(lambda: ("ClaudePolicy", "production", "SidecarRefuses") in policies.reasons(), "that is told")


def test_pod_that_does_not_answer_leaves_programmed_unknown(policies, stand_ins: StandIns) -> None:
    handed_out(policies)
    name = stand_ins.make(policies.namespace, "production")
    stand_ins.report(policies.namespace, name, podIP=free_address())
    policies.wait_for("Programmed", "Unknown/Unreachable")
    assert policies.status()["pods"] == {
        "total": 1, "current": 0, "stale": 0, "unreachable": 1, "restartRequired": 0, "outdated": 0
    }  # fmt: skip


ENDLESS = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n"
FORGED = {
    "endless": ENDLESS,
    "redirect": b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
    "no JSON": b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nnope",
    "wrong types": b'HTTP/1.1 200 OK\r\ncontent-length: 26\r\n\r\n{"hash": [], "version": 1}',
    "packed": b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\n\x1f\x8b\x08",
    "headers without end": b"HTTP/1.1 200 OK\r\n" + b"x: " + b"a" * 200_000,
    "no HTTP": b"\x00" * 1000,
}


@contextlib.contextmanager
def answering(address: str, answer: bytes) -> Iterator[None]:
    """Something at a sidecar's port that answers this, and then goes on for ever if it is endless."""

    class Forger(http.server.BaseHTTPRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                self.rfile.readline()
                self.wfile.write(answer)
                while answer is ENDLESS:
                    self.wfile.write(b" " * 65536)

    server = http.server.ThreadingHTTPServer((address, names.ADMIN_PORT), Forger)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("answer", FORGED.values(), ids=FORGED)
def test_forged_answer_counts_as_unreachable(
    policies, stand_ins: StandIns, operator: OperatorProcess, answer: bytes
) -> None:
    handed_out(policies)
    address = free_address()
    with answering(address, answer):
        name = stand_ins.make(policies.namespace, "production")
        stand_ins.report(policies.namespace, name, podIP=address)
        policies.wait_for("Programmed", "Unknown/Unreachable")
        assert operator.rss_mib() < 300
        until(lambda: operator.probe("/livez")[0] == 200, "it is alive")


def test_older_sidecar_is_outdated_and_current_by_its_generation(policies, stand_ins: StandIns) -> None:
    handed_out(policies)
    said = b'{"policy":"production","generation":1,"hash":"0000000000000000","version":"0.0.1"}'
    head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(said)}\r\n\r\n".encode()
    address = free_address()
    with answering(address, head + said):
        name = stand_ins.make(policies.namespace, "production")
        stand_ins.report(policies.namespace, name, podIP=address)
        until(lambda: policies.status()["pods"]["outdated"] == 1, "it is outdated")
        assert policies.status()["podsSummary"] == "1/1"
