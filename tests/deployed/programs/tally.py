"""Adds up what apps tell: POST / of `{"from": POD, "ended": {"ok": 3}, "examples": []}`, GET / for sums."""

import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ended: Counter[str] = Counter()
examples: list[str] = []
tellers: set[str] = set()
lock = threading.Lock()


class Tally(BaseHTTPRequestHandler):
    """The sums, in memory."""

    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with lock:
            ended.update(told["ended"])
            tellers.add(told["from"])
            if len(examples) < 20:
                examples.extend(f"{told['from']}: {each}" for each in told["examples"])
        self._say({})

    def do_GET(self) -> None:
        with lock:
            self._say({"ended": ended, "examples": examples, "tellers": sorted(tellers)})

    def _say(self, what: object) -> None:
        body = json.dumps(what).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


if __name__ == "__main__":
    ThreadingHTTPServer(("", 8000), Tally).serve_forever()
