"""Where the API server is and who we are there: from the pod we run in, or from a kubeconfig."""

import base64
import os
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class NoAccess(Exception):
    """There is no API server to be found; the message says where it was looked for."""


@dataclass(frozen=True, slots=True)
class Access:
    """An API server. token_file: read again and again, since the kubelet renews what is in it."""

    url: str
    tls: ssl.SSLContext | None
    token: str | None = None
    token_file: Path | None = None

    def headers(self) -> dict[str, str]:
        """What a request says about who makes it."""
        token = self.token
        if self.token_file is not None:
            token = self.token_file.read_text().strip()
        return {"Authorization": f"Bearer {token}"} if token else {}


def find_access(kubeconfig: Path | None, environ: Mapping[str, str]) -> Access:
    """A kubeconfig that is named, else the pod's own account, else KUBECONFIG; raises NoAccess."""
    if kubeconfig is not None:
        return _from_kubeconfig(kubeconfig)
    host, port = environ.get("KUBERNETES_SERVICE_HOST"), environ.get("KUBERNETES_SERVICE_PORT", "443")
    if host:
        url = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
        try:
            return Access(url, _context((_ACCOUNT / "ca.crt").read_text()), token_file=_ACCOUNT / "token")
        except OSError as error:
            raise NoAccess(f"this pod has no ServiceAccount token at {_ACCOUNT}: {error.strerror}") from None
    named = environ.get("KUBECONFIG", "").split(os.pathsep)[0]
    if not named:
        raise NoAccess("not in a pod, and no kubeconfig is named; give --kubeconfig FILE or set KUBECONFIG")
    return _from_kubeconfig(Path(named))


def _from_kubeconfig(path: Path) -> Access:
    """The current context of a kubeconfig; tokens and certificates only, no plugins that fetch them."""
    try:
        said = yaml.safe_load(path.read_text("utf-8"))
        context = _named(said, "contexts", said["current-context"])["context"]
        cluster = _named(said, "clusters", context["cluster"])["cluster"]
        user = _named(said, "users", context["user"])["user"] or {}
        tls = _context(_text(cluster, "certificate-authority", path.parent))
        _load_client_certificate(tls, user, path.parent)
        token_file = Path(user["tokenFile"]) if "tokenFile" in user else None
        return Access(cluster["server"].rstrip("/"), tls, user.get("token"), token_file)
    except OSError as error:
        raise NoAccess(f"{path}: cannot be read: {error.strerror or error}") from None
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, StopIteration, ValueError):
        raise NoAccess(f"{path}: is no kubeconfig with a current context") from None


def _named(said: Any, kind: str, name: str) -> Any:
    return next(entry for entry in said[kind] if entry["name"] == name)


def _text(entry: Mapping[str, str], key: str, folder: Path) -> str | None:
    """What a kubeconfig holds itself, or in a file whose path starts from its folder."""
    if f"{key}-data" in entry:
        return base64.b64decode(entry[f"{key}-data"]).decode()
    return (folder / entry[key]).read_text() if key in entry else None


def _context(ca: str | None) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=ca)


def _load_client_certificate(tls: ssl.SSLContext, user: Mapping[str, str], folder: Path) -> None:
    certificate, key = (_text(user, f"client-{part}", folder) for part in ("certificate", "key"))
    if certificate is None or key is None:
        return
    with tempfile.NamedTemporaryFile() as pem:  # ssl takes files only
        pem.write(f"{certificate}\n{key}".encode())
        pem.flush()
        tls.load_cert_chain(pem.name)
