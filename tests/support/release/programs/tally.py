"""Adds up what apps tell: POST {"from": POD, "number": 1, "ended": {"ok": 3}, "examples": []}; GET: sums.

An app that heard no answer tells the same again under the same number: that counts once.
"""

import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ended: Counter[str] = Counter()
examples: list[str] = []
newest: dict[str, int] = {}
"""By pod, the number of what it told last."""
lock = threading.Lock()


class Tally(BaseHTTPRequestHandler):
    """The sums, in memory."""

    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with lock:
            if told["number"] > newest.get(told["from"], 0):
                newest[told["from"]] = told["number"]
                ended.update(told["ended"])
                examples.extend(f"{told['from']}: {each}" for each in told["examples"][: 20 - len(examples)])
        self._say({})

    def do_GET(self) -> None:
        with lock:
            self._say({"ended": ended, "examples": examples, "tellers": sorted(newest)})

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
