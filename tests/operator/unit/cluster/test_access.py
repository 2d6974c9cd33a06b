"""Where the API server is looked for, and what is said when it is not found."""

import base64
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from claude_operator.cluster.access import NoAccess, find_access

CA = trustme.CA()
CA_TEXT = CA.cert_pem.bytes()


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Any:
    """Writes a kubeconfig with two contexts, `kubeconfig(user, cluster)`; the second is current."""

    def write(user: dict[str, Any], cluster: dict[str, Any] | None = None) -> Path:
        path = tmp_path / "config"
        ca = {"certificate-authority-data": base64.b64encode(CA_TEXT).decode()}
        chosen = {"server": "https://api.example:6443/", **(ca if cluster is None else cluster)}
        said = {
            "clusters": [{"name": "other", "cluster": {}}, {"name": "c", "cluster": chosen}],
            "users": [{"name": "other", "user": {}}, {"name": "u", "user": user}],
            "contexts": [
                {"name": "other", "context": {"cluster": "other", "user": "other"}},
                {"name": "mine", "context": {"cluster": "c", "user": "u"}},
            ],
            "current-context": "mine",
        }
        path.write_text(yaml.safe_dump(said))
        return path

    return write


def test_current_context_of_a_kubeconfig_is_used(kubeconfig: Any) -> None:
    access = find_access(kubeconfig({"token": "secret"}), {})
    assert access.url == "https://api.example:6443"
    assert access.headers() == {"Authorization": "Bearer secret"}
    assert access.tls is not None
    assert len(access.tls.get_ca_certs()) == 1


def test_token_in_a_file_is_read_again_at_each_request(kubeconfig: Any, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first\n")
    access = find_access(kubeconfig({"tokenFile": str(token)}), {})
    assert access.headers() == {"Authorization": "Bearer first"}
    token.write_text("second\n")
    assert access.headers() == {"Authorization": "Bearer second"}


def test_client_certificate_is_loaded_from_data_or_from_files_beside_the_kubeconfig(
    kubeconfig: Any, tmp_path: Path
) -> None:
    leaf = CA.issue_cert("me@example.com")
    certificate, key = leaf.cert_chain_pems[0].bytes(), leaf.private_key_pem.bytes()
    (tmp_path / "me.crt").write_bytes(certificate)
    (tmp_path / "me.key").write_bytes(key)
    (tmp_path / "ca.crt").write_bytes(CA_TEXT)
    files = {"client-certificate": "me.crt", "client-key": "me.key"}
    assert find_access(kubeconfig(files, {"certificate-authority": "ca.crt"}), {}).headers() == {}
    data = {
        "client-certificate-data": base64.b64encode(certificate).decode(),
        "client-key-data": base64.b64encode(key).decode(),
    }
    assert find_access(kubeconfig(data), {}).headers() == {}


def test_kubeconfig_of_the_environment_is_used_where_none_is_named(kubeconfig: Any) -> None:
    path = kubeconfig({"token": "t"})
    assert find_access(None, {"KUBECONFIG": f"{path}:/other"}).url == "https://api.example:6443"


def test_nothing_to_go_by_says_what_to_do() -> None:
    with pytest.raises(NoAccess, match="give --kubeconfig FILE or set KUBECONFIG"):
        find_access(None, {})


def test_pod_without_a_token_says_where_it_was_looked_for() -> None:
    with pytest.raises(NoAccess, match="no ServiceAccount token at /var/run/secrets"):
        find_access(None, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"})


@pytest.mark.parametrize(
    "text",
    ["", "[]", "a: [", "current-context: x", "current-context: x\ncontexts: [{name: y}]", "\x00"],
)
def test_what_is_no_kubeconfig_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(NoAccess, match="is no kubeconfig with a current context"):
        find_access(path, {})


def test_kubeconfig_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoAccess, match="cannot be read"):
        find_access(tmp_path / "none", {})
