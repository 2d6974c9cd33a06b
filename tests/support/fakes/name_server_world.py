"""A machine with a name server of its own, a pod's resolv.conf, an upstream and a sidecar; a program.

Run in namespaces of its own with the path of the sidecar and a folder, it prints as JSON what came of one
call to each host, and how the sidecar ended.
"""

import fcntl
import http.server
import json
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from support.fakes.name_server import NameServer

OWN_MACHINE = ("unshare", "--user", "--map-root-user", "--mount", "--net", "--")
ANSWERED = b'{"type": "message"}'
SEARCH = ("shop.svc.cluster.local", "svc.cluster.local", "cluster.local")
FIFTY = [f"127.0.1.{number}" for number in range(2, 51)] + ["127.0.0.1"]
SAYS = {
    "A cold.example.com": ["127.0.0.1"],
    "AAAA cold.example.com": ["2001:db8::1"],
    "A llm.team.svc.cluster.local": ["127.0.0.1"],
    "A swallowed.example.com": ["127.0.0.1"],
    "AAAA swallowed.example.com": None,
    "A silent.example.com": None,
    "AAAA silent.example.com": None,
    "A garbage.example.com": b"garbage",
    "AAAA garbage.example.com": b"\0" * 12,
    "A fifty.example.com": FIFTY,
}
HOSTS = (
    "cold.example.com",
    "llm.team.svc",
    "hosts.example.com",
    "swallowed.example.com",
    "garbage.example.com",
    "unknown.example.com",
    "fifty.example.com",
)
SILENT = "silent.example.com"
"""Called before the last of these and answered after it; its look-up still runs when the sidecar ends."""


class Upstream(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(ANSWERED)))
        self.end_headers()
        self.wfile.write(ANSWERED)

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


def furnish(folder: Path) -> None:
    """Loopback up, and the files by which the C library finds names."""
    with socket.socket() as sock:
        fcntl.ioctl(sock, 0x8914, struct.pack("16sH", b"lo", 0x41))  # SIOCSIFFLAGS: up, running
    files = {
        "/etc/resolv.conf": f"nameserver 127.0.0.53\nsearch {' '.join(SEARCH)}\noptions ndots:5\n",
        "/etc/hosts": "127.0.0.1 localhost hosts.example.com\n",
        "/etc/nsswitch.conf": "hosts: files dns\n",
    }
    for path, text in files.items():
        given = folder / Path(path).name
        given.write_text(text)
        if Path(path).exists():
            subprocess.run(["mount", "--bind", str(given), path], check=True)


def policy(port: int) -> str:
    """A route for each host, told apart by the model that it serves."""
    routes = [
        {"name": host.split(".")[0], "endpoint": f"http://{host}:{port}", "insecure": "Allow"}
        | {"models": [{"name": host}]}
        for host in (*HOSTS, SILENT)
    ]
    spec = {
        "routes": routes,
        "timeouts": {"connect": "3s"},
        "retry": {"maxAttempts": 1},
    }
    return json.dumps({"apiVersion": "claude-sidecar.dev/v1alpha1", "kind": "ClaudePolicy", "spec": spec})


def call(url: str, host: str, names: NameServer) -> dict[str, Any]:
    """What came of one call, how long it took, and what the name server was asked for it."""
    before = len(names.asked)
    body = json.dumps({"model": host, "max_tokens": 1, "messages": []}).encode()
    request = urllib.request.Request(f"{url}/v1/messages", body, {"x-api-key": "sk-ant-api03-x"})
    began = time.monotonic()
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            status, text = answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read().decode()
    asked = [question for question in names.asked[before:] if host in question]
    return {"status": status, "text": text, "seconds": time.monotonic() - began, "asked": asked}


def main(program: str, folder: Path) -> None:
    furnish(folder)
    names = NameServer(SAYS)
    names.serve("127.0.0.53")
    upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    (folder / "policy.json").write_text(policy(upstream.server_address[1]))
    with (folder / "sidecar.log").open("wb") as log:
        run = [program, "run", "--policy", str(folder / "policy.json"), "--port", "8787"]
        sidecar = subprocess.Popen(run, stdout=log, stderr=log)
    while b'"ready"' not in (folder / "sidecar.log").read_bytes() and sidecar.poll() is None:
        time.sleep(0.05)
    url = "http://127.0.0.1:8787"
    results: dict[str, Any] = {host: call(url, host, names) for host in HOSTS[:-1]}
    with ThreadPoolExecutor(9) as callers:
        silent = [callers.submit(call, url, SILENT, names) for _ in range(8)]
        while f"A {SILENT}" not in names.asked:
            time.sleep(0.01)
        results[HOSTS[-1]] = call(url, HOSTS[-1], names)
        results["overtaken"] = not any(one.done() for one in silent)
        results[SILENT] = silent[0].result()
    began = time.monotonic()
    sidecar.send_signal(signal.SIGTERM)
    results["exit"] = {"code": sidecar.wait(60), "seconds": time.monotonic() - began}
    print(json.dumps(results))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
