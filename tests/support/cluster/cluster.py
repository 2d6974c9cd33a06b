"""What a test can do with a cluster, whoever started it."""

import hashlib
import json
import secrets
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from support.cluster.api_client import ApiClient, Reply
from support.cluster.kubeconfig import write_kubeconfig
from support.cluster.waiting import until

NAMESPACES = "/api/v1/namespaces"
Sign = Callable[[str, list[str]], Mapping[str, str]]
"""Makes the `user` part of a kubeconfig for a user and groups."""


class KubectlFailed(AssertionError):
    """kubectl ended with an error; the text is what it said on stderr."""


class Cluster:
    """An API server and how to reach it as anybody.

    Args:
        minor: "1.35"; read off the server where it was not built here
        url: base URL of the API server
        ca: PEM file of the certificate authority behind that URL
        kubeconfig: the administrator's
        kubectl: the program
        folder: for files that live as long as the cluster
        sign: makes client certificates
    """

    def __init__(
        self, *, minor: str, url: str, ca: Path, kubeconfig: Path, kubectl: Path, folder: Path, sign: Sign
    ) -> None:
        self.minor, self.url, self.ca, self.kubeconfig = minor, url, ca, kubeconfig
        self.folder = folder
        self.api = ApiClient(kubeconfig)
        self.kubectl_program, self._sign = kubectl, sign

    # -- objects

    def request(self, method: str, path: str, body: object = None, **options: Any) -> Reply:
        """A request of the administrator's; see ApiClient.request."""
        return self.api.request(method, path, body, **options)

    def kubectl(self, *arguments: str, stdin: object = None, kubeconfig: Path | None = None) -> str:
        """What kubectl prints on stdout; *stdin* is made JSON unless it is text.

        Errors: KubectlFailed with what it said on stderr.
        """
        ended = self.run_kubectl(*arguments, stdin=stdin, kubeconfig=kubeconfig)
        if ended.returncode != 0:
            raise KubectlFailed(ended.stderr.strip())
        return ended.stdout

    def run_kubectl(
        self, *arguments: str, stdin: object = None, kubeconfig: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """The same with exit code and stderr, where warnings are."""
        text = stdin if stdin is None or isinstance(stdin, str) else json.dumps(stdin)
        home = self.folder / "kubectl"
        flags = ("--kubeconfig", kubeconfig or self.kubeconfig, "--cache-dir", home)
        return subprocess.run(
            [self.kubectl_program, *flags, *arguments],
            input=text,
            check=False,
            capture_output=True,
            text=True,
            timeout=180,
            env={"HOME": str(home), "PATH": str(self.kubectl_program.parent)},
        )

    def apply(self, manifests: object, *, namespace: str = "default", kubeconfig: Path | None = None) -> str:
        """`kubectl apply --server-side`: YAML text, one object or a list; *namespace* where none is named."""
        if isinstance(manifests, list):
            manifests = {"apiVersion": "v1", "kind": "List", "items": manifests}
        flags = ("--server-side", "--force-conflicts", "-n", namespace, "-f-")
        return self.kubectl("apply", *flags, stdin=manifests, kubeconfig=kubeconfig)

    def namespace(self, *, labels: Mapping[str, str] | None = None, prefix: str = "t") -> str:
        """A fresh namespace in which pods are accepted; the fixture `new_namespace` removes it as well."""
        name = f"{prefix}-{secrets.token_hex(4)}"
        self.request("POST", NAMESPACES, {"metadata": {"name": name, "labels": dict(labels or {})}}).expect()
        account = f"{NAMESPACES}/{name}/serviceaccounts/default"
        # Controllers look again later and later, up to half a minute, after an API server went away twice.
        made = f"{name} has a ServiceAccount 'default'"
        until(lambda: self.request("GET", account).status == 200, made, seconds=90)
        return name

    def remove_namespace(self, name: str) -> None:
        """Begin its deletion; it takes some 5 s, which nobody waits for."""
        self.request("DELETE", f"{NAMESPACES}/{name}").expect(200, 202, 404, 409)

    # -- people

    def kubeconfig_for(self, user: str, groups: Iterable[str] = ()) -> Path:
        """A kubeconfig of a user by client certificate; they may do what RBAC gives them and no more."""
        groups = list(groups)
        path = self._kubeconfig_file("user", user, *groups)
        return path if path.exists() else self._write(path, self._sign(user, groups))

    def kubeconfig_for_service_account(self, namespace: str, name: str, *, seconds: int = 3600) -> Path:
        """A kubeconfig with a fresh token of a ServiceAccount, good for *seconds* (at least 600)."""
        asked = {"spec": {"expirationSeconds": seconds}}
        path = f"{NAMESPACES}/{namespace}/serviceaccounts/{name}/token"
        token = self.request("POST", path, asked).expect()["status"]["token"]
        return self._write(self._kubeconfig_file("account", namespace, name), {"token": token})

    def _kubeconfig_file(self, *who: str) -> Path:
        named = hashlib.sha256(repr(who).encode()).hexdigest()[:16]
        return self.folder / f"{named}.kubeconfig"

    def _write(self, path: Path, user: Mapping[str, object]) -> Path:
        return write_kubeconfig(path, self.url, self.ca, user)

    # -- images

    def import_image(self, archive: Path) -> None:
        """Make the image of a docker-archive usable by pods with `imagePullPolicy: IfNotPresent`."""
        raise NotImplementedError(f"no pod runs here, so nobody needs {archive}")

    # -- faults

    def start(self, component: str) -> None:
        """Start etcd, kube-apiserver or kube-controller-manager again; it answers when this returns."""
        raise self._not_ours(f"start {component}")

    def stop(self, component: str, *, kill: bool = False) -> None:
        """Stop one of them, politely or by SIGKILL; whoever stops one starts it again."""
        raise self._not_ours(f"stop {component}")

    def restart_apiserver(self, *, kill: bool = False) -> None:
        """Stop and start it; every connection and watch is cut, the URL stays."""
        self.stop("kube-apiserver", kill=kill)
        self.start("kube-apiserver")

    def _not_ours(self, deed: str) -> NotImplementedError:
        return NotImplementedError(
            f"this test wants to {deed}, which it cannot in the cluster of KUBECONFIG: unset KUBECONFIG"
        )
