"""An app that calls Claude, as pods of the end-to-end tests run it: asks when asked, and keeps a load going.

Uses nothing but the official SDK, its environment and the standard library; it knows of no sidecar.

GET /ask?stream=1&model=M&simulate=X    one call by the SDK, its outcome as JSON
GET /ready                              200

With CALLS_PER_SECOND it also makes that many light calls a second, without any repeats of its own, for
FOR_SECONDS or until it ends, and tells TALLY_URL how they ended. SIGTERM: no new calls, those under way end,
the rest is told, exit 0.
"""

import http.client
import itertools
import json
import os
import queue
import signal
import threading
import time
import urllib.request
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

MODEL = "claude-sonnet-4-6"
BODY = {"model": MODEL, "max_tokens": 32, "messages": [{"role": "user", "content": "hello"}]}
STEADY_WORKERS = 8
leaving = threading.Event()


def ask(query: dict[str, str]) -> dict[str, Any]:
    """One call by the SDK: `ok`, `status`, `headers` that begin with x-claude-sidecar, `error`."""
    import anthropic

    client = anthropic.Anthropic(timeout=30)
    extra = {"x-simulate": query["simulate"]} if "simulate" in query else {}
    asked: dict[str, Any] = {**BODY, "model": query.get("model", MODEL), "extra_headers": extra}
    try:
        with span(extra):
            if "stream" in query:
                answer = client.messages.with_raw_response.create(**asked, stream=True)
                kinds = [event.type for event in answer.parse()]
                whole = kinds[-1:] == ["message_stop"]
            else:
                answer = client.messages.with_raw_response.create(**asked)
                whole = bool(answer.parse().content)
    except anthropic.APIStatusError as error:
        return {
            "ok": False,
            "status": error.status_code,
            "headers": ours(error.response),
            "error": error.body,
        }
    except anthropic.APIError as error:
        return {"ok": False, "status": None, "headers": {}, "error": repr(error)}
    return {"ok": whole, "status": answer.status_code, "headers": ours(answer), "error": None}


def ours(answer: Any) -> dict[str, str]:
    """The headers that the sidecar added."""
    return {name: value for name, value in answer.headers.items() if name.startswith("x-claude-sidecar-")}


class span:  # noqa: N801 - reads as what it is: `with span(headers)`
    """The app's own span around a call where OTEL_EXPORTER_OTLP_ENDPOINT is set; fills in `traceparent`."""

    provider: Any = None

    def __init__(self, headers: dict[str, str]) -> None:
        self._headers = headers
        self._span: Any = None

    def __enter__(self) -> None:
        if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
            return
        from opentelemetry import propagate, trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor

        if span.provider is None:
            span.provider = TracerProvider()
            span.provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
        self._span = span.provider.get_tracer("app").start_span("answer a customer")
        propagate.inject(self._headers, trace.set_span_in_context(self._span))

    def __exit__(self, *_: object) -> None:
        if self._span is not None:
            self._span.end()


class Steady:
    """A steady load of light calls, every third one a stream."""

    def __init__(self, calls_per_second: float, for_s: float, tally_url: str) -> None:
        self._every_s, self._calls, self._tally_url = (
            1 / calls_per_second,
            calls_per_second * for_s,
            tally_url,
        )
        self._is_over = threading.Event()
        self._due: queue.Queue[int | None] = queue.Queue()
        self._lock, self._ended, self._examples = threading.Lock(), Counter[str](), list[str]()
        self._number, self._untold = 0, None
        self._workers = [threading.Thread(target=self._work) for _ in range(STEADY_WORKERS)]

    def run(self) -> None:
        """Until its time is over or SIGTERM; returns when all has been told."""
        for worker in self._workers:
            worker.start()
        told = threading.Thread(target=self._tell_often)
        told.start()
        began = time.monotonic()
        for number in itertools.takewhile(self._is_asked_for, itertools.count()):
            if leaving.wait(max(0.0, began + number * self._every_s - time.monotonic())):
                break
            self._due.put(number)
        for _ in self._workers:
            self._due.put(None)
        for worker in self._workers:
            worker.join()
        self._is_over.set()
        told.join()
        for _ in range(20):
            if self._tell() and not self._ended:
                break
            time.sleep(0.5)

    def _is_asked_for(self, number: int) -> bool:
        return number < round(self._calls, 6)  # `inf` where it goes on until it is told to leave

    def _work(self) -> None:
        base = urlsplit(os.environ["ANTHROPIC_BASE_URL"])
        connection = http.client.HTTPConnection(base.hostname or "", base.port, timeout=30)
        while (number := self._due.get()) is not None:
            try:
                trouble = self._call(connection, is_stream=number % 3 == 0)
            except (OSError, http.client.HTTPException) as error:
                trouble = repr(error)
                connection.close()
            with self._lock:
                self._ended["failed" if trouble else "ok"] += 1
                if trouble and len(self._examples) < 5:
                    self._examples.append(trouble)
        connection.close()

    def _call(self, connection: http.client.HTTPConnection, *, is_stream: bool) -> str:
        """What went wrong, or nothing."""
        key = os.environ["ANTHROPIC_API_KEY"]
        head = {"x-api-key": key, "anthropic-version": "2023-06-01", "content-type": "application/json"}
        connection.request("POST", "/v1/messages", json.dumps({**BODY, "stream": is_stream}), head)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            return f"{answer.status} {body[:300]!r}"
        if is_stream and b"message_stop" not in body:
            return f"stream without message_stop: ...{body[-300:]!r}"
        return ""

    def _tell_often(self) -> None:
        while not self._is_over.wait(0.5):
            self._tell()

    def _tell(self) -> bool:
        """Tell what ended since the last time; what is not confirmed is told again, under the same number."""
        if self._untold is None:
            with self._lock:
                told = {"ended": self._ended, "examples": self._examples}
                self._ended, self._examples = Counter(), []
            self._number += 1
            self._untold = {"from": os.uname().nodename, "number": self._number, **told}
        body = json.dumps(self._untold).encode()
        try:
            urllib.request.urlopen(urllib.request.Request(self._tally_url, body), timeout=5).close()
        except OSError:
            return False
        self._untold = None
        return True


class Front(BaseHTTPRequestHandler):
    """The app's own port."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        said = ask(query) if url.path == "/ask" else {"ready": True}
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing: probes come every second."""


def main() -> None:
    """Serve until SIGTERM."""
    front = ThreadingHTTPServer(("", 8000), Front)
    threading.Thread(target=front.serve_forever, daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: leaving.set())
    rate = float(os.environ.get("CALLS_PER_SECOND", "0"))
    if rate:
        Steady(rate, float(os.environ.get("FOR_SECONDS", "inf")), os.environ["TALLY_URL"]).run()
    leaving.wait()
    front.shutdown()


if __name__ == "__main__":
    main()
