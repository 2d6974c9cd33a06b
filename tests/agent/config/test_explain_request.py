"""`explain --request` asks a sidecar that may be none, or tell what none tells."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from claude_sidecar.cli.main import main
from claude_sidecar.cli.told_call import CallUnreadable, listed_call

STATUS = {"policy": "production", "hash": "abc", "version": "1", "credentialsMissing": []}
ENTRY: dict[str, Any] = {
    "callId": "sc_1",
    "startedAt": "2026-11-30T21:00:00.000+00:00",
    "durationMs": 1500.0,
    "requestId": "req_2",
    "policyHash": "abc",
    "attempts": [
        {"route": "a", "atMs": 0.0, "durationMs": 5.0, "status": 529, "requestId": "req_1", "ofTomorrow": 1},
        {"route": "a", "atMs": 505.0, "durationMs": 995.0, "status": 200, "requestId": "req_2"},
    ],
    "waits": [{"atMs": 5.0, "seconds": 0.5, "reason": "backoff", "rule": "backoff"}],
    "secret": "sk-ant-api03-never-repeated",
}


@pytest.fixture
def answers() -> dict[str, tuple[int, bytes]]:
    """Status and body by path; 404 for any other."""
    return {"/status": (200, json.dumps(STATUS).encode()), "/requests": (200, json.dumps([ENTRY]).encode())}


@pytest.fixture
def admin(answers: dict[str, tuple[int, bytes]]) -> Iterator[str]:
    """The URL of what answers so."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers.get(self.path, (404, b""))
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def asked(admin: str, capsys: pytest.CaptureFixture[str]) -> Any:
    """Exit code, standard output and standard error for an id."""

    def asked(name: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["explain", "--request", name, "--sidecar", admin])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return asked


@pytest.mark.parametrize("name", ["sc_1", "req_1", "req_2"])
def test_a_call_is_found_by_its_own_id_and_by_each_of_the_upstreams(name: str, asked: Any) -> None:
    code, out, _ = asked(name)
    assert code == 0
    steps = re.findall(r"^ *\d+\. (\w+)", out, re.MULTILINE)
    assert steps == ["send", "wait", "send", "end"]
    assert "sk-ant" not in out


@pytest.mark.parametrize(
    ("path", "answer", "says"),
    [
        (
            "/status",
            (200, b"<html>"),
            "whoever answers there is no sidecar of ours (status 200 to GET /status)",
        ),
        ("/status", (500, b""), "whoever answers there is no sidecar of ours (status 500 to GET /status)"),
        (
            "/requests",
            (403, b"{}"),
            "the sidecar tells its calls on its own machine alone; forward its port",
        ),
        (
            "/requests",
            (404, b""),
            "the sidecar tells its calls on its own machine alone; forward its port",
        ),
        ("/requests", (200, b'[{"callId": "sc_1"'), "its /requests can't be read: it is no list of calls"),
        ("/requests", (200, b'{"callId": "sc_1"}'), "its /requests can't be read: it is no list of calls"),
        ("/requests", (200, b"[" * 100_000), "its /requests can't be read: it is no list of calls"),
        ("/requests", (200, b"[]"), "the sidecar has had no call yet"),
        ("/requests", (200, b"[1, null]"), "the sidecar has had no call yet"),
        ("/requests", (200, b'[{"callId": "sc_1"}]'), "it lacks what an entry of /requests has"),
    ],
)
def test_what_tells_no_call_is_an_error_with_what_to_do(
    path: str, answer: tuple[int, bytes], says: str, asked: Any, answers: Any
) -> None:
    answers[path] = answer
    code, out, err = asked("sc_1")
    assert (code, out) == (1, "")
    assert says in err


@pytest.mark.parametrize(
    "spoilt",
    [
        {"attempts": None},
        {"attempts": [1]},
        {"attempts": [{"route": "a"}]},
        {"waits": [{"atMs": 1, "seconds": "x" * 9, "reason": "backoff"}]},
        {"waits": [{"atMs": "soon", "seconds": 1, "reason": "backoff"}]},
        {"startedAt": "yesterday"},
        {"startedAt": 7},
        {"durationMs": 1e300},
        {"durationMs": -5},
        {"callId": ["sk-ant-api03-never-repeated"]},
        {"hint": "sk-ant-api03-never-repeated" * 100},
    ],
)
def test_an_entry_that_is_spoilt_is_unreadable_and_not_repeated(spoilt: dict[str, Any]) -> None:
    with pytest.raises(CallUnreadable) as unreadable:
        listed_call(ENTRY | spoilt)
    assert "sk-ant" not in str(unreadable.value)
