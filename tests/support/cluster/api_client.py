"""Requests to an API server as they are, without a client library between."""

import base64
import http.client
import json
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


@dataclass(frozen=True)
class Reply:
    """What the API server answered; *body* is parsed where it is JSON, else text."""

    status: int
    headers: dict[str, str]
    body: Any

    @property
    def message(self) -> str:
        """Why it refused."""
        return str(self.body.get("message", "")) if isinstance(self.body, dict) else str(self.body)

    def expect(self, *statuses: int) -> Any:
        """The body, when the status is one of these, or any 2xx if none is named."""
        good = self.status in statuses if statuses else 200 <= self.status < 300
        assert good, f"{self.status}: {self.message}"
        return self.body


class _ClosedOnReset(ssl.SSLSocket):
    """Python reads from a socket that was reset before its handshake, and leaves it open when that fails.

    What a stopped API server had in its backlog is reset like this.
    """

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        try:
            return super().recv(buflen, flags)
        except ConnectionError:
            self.close()
            raise


class ApiClient:
    """Somebody's requests, by a kubeconfig of this folder's kind; each on a connection of its own."""

    def __init__(self, kubeconfig: Path) -> None:
        said = json.loads(kubeconfig.read_text())
        cluster, user = said["clusters"][0]["cluster"], said["users"][0]["user"]
        self._server = urlsplit(cluster["server"])
        self._headers = {"Authorization": f"Bearer {user['token']}"} if "token" in user else {}
        ca = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self._tls = ssl.create_default_context(cadata=ca)
        self._tls.sslsocket_class = _ClosedOnReset
        if "client-certificate-data" in user:
            self._load_certificate(user)

    def _load_certificate(self, user: dict[str, str]) -> None:
        parts = (user["client-certificate-data"], user["client-key-data"])
        with tempfile.NamedTemporaryFile() as pem:  # ssl takes files only
            pem.write(b"".join(map(base64.b64decode, parts)))
            pem.flush()
            self._tls.load_cert_chain(pem.name)

    def request(
        self, method: str, path: str, body: object = None, *, content_type: str = JSON, seconds: float = 60.0
    ) -> Reply:
        """One request; *body* is made JSON unless it is text. OSError if nobody answers within *seconds*."""
        content = body if body is None or isinstance(body, str) else json.dumps(body)
        port = self._server.port or 443
        connection = http.client.HTTPSConnection(
            self._server.hostname or "", port, context=self._tls, timeout=seconds
        )
        try:
            headers = {"Accept": JSON, "Content-Type": content_type, **self._headers}
            connection.request(method, path, content, headers)
            answer = connection.getresponse()
            with answer:  # it holds the socket too
                text = answer.read().decode()
        except http.client.HTTPException as broken:
            raise ConnectionError(f"{method} {path}: {broken!r}") from broken
        finally:
            connection.close()
        is_json = (answer.getheader("Content-Type") or "").startswith(JSON)
        return Reply(answer.status, dict(answer.getheaders()), json.loads(text) if is_json else text)

    def get(self, path: str) -> Any:
        """What is at a path; AssertionError when refused."""
        return self.request("GET", path).expect()
