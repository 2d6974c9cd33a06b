"""Another mutating webhook, as a mesh has one: it adds containers to every pod that has them not yet."""

import base64
import contextlib
import http.server
import json
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import trustme
from support.cluster.cluster import Cluster

CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
PROXY = {"name": "istio-proxy", "image": "localhost/none:1", "restartPolicy": "Always"}
HELPER = {"name": "helper", "image": "localhost/none:1"}


@contextlib.contextmanager
def other_injector(cluster: Cluster, configuration: str, namespace: str) -> Iterator[None]:
    """In force for the pods of a namespace until the end of the block.

    configuration: its name; API servers ask webhooks in the order of these.
    """
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        bundle = base64.b64encode(authority.cert_pem.bytes()).decode()
        cluster.apply(_configuration(configuration, server.server_port, bundle, namespace))
        yield
    finally:
        cluster.request("DELETE", f"{CONFIGURATIONS}/{configuration}").expect(200, 404)
        server.shutdown()
        server.server_close()
        thread.join()


def _configuration(name: str, port: int, bundle: str, namespace: str) -> dict[str, Any]:
    pods = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    webhook = {
        "name": "pods.other.example",
        "admissionReviewVersions": ["v1"],
        "clientConfig": {"url": f"https://127.0.0.1:{port}/", "caBundle": bundle},
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "rules": [pods],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [webhook],
    }


class _Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))["request"]
        patch = base64.b64encode(json.dumps(_patch(request["object"]["spec"])).encode()).decode()
        response = {"uid": request["uid"], "allowed": True, "patchType": "JSONPatch", "patch": patch}
        body = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


def _patch(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """A proxy at the front of the init containers, and one more app container at the end."""
    inits = spec.get("initContainers") or []
    if any(each["name"] == PROXY["name"] for each in inits):
        return []
    return [
        {"op": "add", "path": "/spec/initContainers", "value": [PROXY, *inits]},
        {"op": "add", "path": "/spec/containers/-", "value": HELPER},
    ]
