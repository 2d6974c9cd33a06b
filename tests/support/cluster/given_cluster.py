"""The cluster that KUBECONFIG names, used in place of one of our own."""

import base64
import contextlib
import ipaddress
import json
import os
import secrets
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from support.cluster.api_client import ApiClient
from support.cluster.certificates import subject, write_key
from support.cluster.cluster import Cluster
from support.cluster.kubeconfig import certificate_user, write_kubeconfig
from support.cluster.waiting import until

REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
CONSENT = "KUBECONFIG_IS_FOR_TESTS"
LOADER = "IMAGE_LOADER"
"""Names such a command, `k3d image import` say."""


class ClusterRefused(Exception):
    """The tests will not touch this cluster, or cannot; the text says what to do."""


def _is_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


class _Kubectl:
    """The machine's kubectl with the kubeconfig that was given."""

    def __init__(self, kubeconfig: str) -> None:
        found = shutil.which("kubectl")
        if not found:
            raise ClusterRefused(
                f"KUBECONFIG={kubeconfig} is set but there is no kubectl in PATH: install one, or unset it"
            )
        self.program = Path(found)
        self._environ = {**os.environ, "KUBECONFIG": kubeconfig}

    def run(self, *arguments: str, stdin: object = None) -> str:
        text = None if stdin is None else json.dumps(stdin)
        ended = subprocess.run(
            [self.program, *arguments],
            input=text,
            check=False,
            capture_output=True,
            text=True,
            timeout=180,
            env=self._environ,
        )
        if ended.returncode != 0:
            raise ClusterRefused(f"the cluster of KUBECONFIG does not serve: {ended.stderr.strip()}")
        return ended.stdout


def _administrator(name: str) -> list[dict[str, Any]]:
    """Objects of an account that may do all; they go when the tests end."""
    account = {"kind": "ServiceAccount", "name": "admin", "namespace": name}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "admin", "namespace": name}},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": role,
            "subjects": [account],
        },
    ]


def _request_certificate(api: ApiClient, folder: Path, user: str, groups: list[str]) -> dict[str, str]:
    """A client certificate by the cluster's own signer: its CA key is not ours."""
    name = f"claude-sidecar-tests-{secrets.token_hex(6)}"
    certificate, key_file = folder / f"{name}.crt", folder / f"{name}.key"
    key = write_key(key_file)
    asked = (
        x509.CertificateSigningRequestBuilder().subject_name(subject(user, groups)).sign(key, hashes.SHA256())
    )
    spec = {
        "request": base64.b64encode(asked.public_bytes(serialization.Encoding.PEM)).decode(),
        "signerName": "kubernetes.io/kube-apiserver-client",
        "expirationSeconds": 86400,
        "usages": ["client auth"],
    }
    made = api.request("POST", REQUESTS, {"metadata": {"name": name}, "spec": spec}).expect()
    made["status"]["conditions"] = [
        {"type": "Approved", "status": "True", "reason": "Tests", "message": "tests"}
    ]
    api.request("PUT", f"{REQUESTS}/{name}/approval", made).expect()
    signed = until(
        lambda: api.get(f"{REQUESTS}/{name}")["status"].get("certificate"), f"a certificate for {user}"
    )
    api.request("DELETE", f"{REQUESTS}/{name}").expect()
    certificate.write_bytes(base64.b64decode(signed))
    return certificate_user(certificate, key_file)


class GivenCluster(Cluster):
    """A cluster of somebody else's: its parts and its images are not ours to handle.

    Args:
        loader: a command that takes the path of a docker-archive and makes its image known there
    """

    def __init__(self, *, loader: str, **options: Any) -> None:
        super().__init__(**options)
        self._loader = loader

    def import_image(self, archive: Path) -> None:
        """Left to that command; without one the cluster is taken to have the image."""
        loader = shlex.split(self._loader)
        if not loader:
            return
        ended = subprocess.run([*loader, archive], check=False, capture_output=True, text=True)
        if ended.returncode != 0:
            raise ClusterRefused(f"'{self._loader} {archive}' failed: {ended.stderr.strip()}")


@contextlib.contextmanager
def given_cluster(kubeconfig: str | None = None, loader: str | None = None) -> Iterator[Cluster]:
    """The current context's cluster, until the end of the block; what the tests made is removed then.

    Args:
        kubeconfig: in place of KUBECONFIG
        loader: in place of IMAGE_LOADER, see GivenCluster

    Errors: ClusterRefused when it is not on this machine and nobody said that it is for tests: they install
    a CRD, webhooks and admission policies that hold for the whole cluster.
    """
    kubectl = _Kubectl(kubeconfig or os.environ["KUBECONFIG"])
    view = json.loads(kubectl.run("config", "view", "--raw", "--minify", "--flatten", "-o", "json"))
    server = view["clusters"][0]["cluster"]
    url = server["server"]
    if "certificate-authority-data" not in server:
        raise ClusterRefused(f"KUBECONFIG names no certificate authority for {url}: add one, or unset it")
    if not _is_this_machine(url) and os.environ.get(CONSENT) != "yes":
        raise ClusterRefused(
            f"KUBECONFIG names {url}, which is not on this machine. The tests change the whole cluster: "
            f"unset KUBECONFIG to have one started, or set {CONSENT}=yes if that one is there for it."
        )
    name = f"claude-sidecar-tests-{secrets.token_hex(4)}"
    objects = _administrator(name)
    with tempfile.TemporaryDirectory(prefix="claude-sidecar-") as made, contextlib.ExitStack() as stack:
        folder = Path(made)
        ca = folder / "ca.crt"
        ca.write_bytes(base64.b64decode(server["certificate-authority-data"]))
        stack.callback(kubectl.run, "delete", "--wait=false", "-f-", stdin=_as_list(objects))
        kubectl.run("apply", "-f-", stdin=_as_list(objects))
        token = kubectl.run("create", "token", "admin", "-n", name, "--duration=24h").strip()
        admin = write_kubeconfig(folder / "admin.kubeconfig", url, ca, {"token": token})
        api = ApiClient(admin)
        version = api.get("/version")
        yield GivenCluster(
            loader=os.environ.get(LOADER, "") if loader is None else loader,
            minor=f"{version['major']}.{version['minor'].rstrip('+')}",
            url=url,
            ca=ca,
            kubeconfig=admin,
            kubectl=kubectl.program,
            folder=folder,
            sign=lambda user, groups: _request_certificate(api, folder, user, groups),
        )


def _as_list(objects: list[dict[str, Any]]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "List", "items": objects}
