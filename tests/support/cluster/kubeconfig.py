"""Kubeconfig files that hold everything inline, so that they can be copied and mounted."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path


def inline(path: Path) -> str:
    """A file's content as kubeconfigs hold it."""
    return base64.b64encode(path.read_bytes()).decode()


def certificate_user(certificate: Path, key: Path) -> dict[str, str]:
    """Who somebody is by a client certificate."""
    return {"client-certificate-data": inline(certificate), "client-key-data": inline(key)}


def write_kubeconfig(path: Path, url: str, ca: Path, user: Mapping[str, object]) -> Path:
    """One cluster, one user, one context; JSON is YAML too."""
    path.touch(mode=0o600)
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [
                    {"name": "tests", "cluster": {"server": url, "certificate-authority-data": inline(ca)}}
                ],
                "users": [{"name": "tests", "user": dict(user)}],
                "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "tests"}}],
                "current-context": "tests",
            },
            indent=1,
        )
    )
    return path
