"""What a policy file may look like and still be understood."""

from pathlib import Path

import pytest

from claude_sidecar.config.load import load_bytes
from claude_sidecar.schema.compile import default_policy
from claude_sidecar.schema.meaning import spec_hash
from claude_sidecar.schema.routes import ProviderName
from claude_sidecar.schema.snapshot import CredentialRef, Snapshot

HEAD = "apiVersion: claude-sidecar.dev/v1alpha1\nkind: ClaudePolicy\n"


def snapshot(content: str, folder: Path = Path("/nowhere")) -> Snapshot:
    """The snapshot of a file."""
    return load_bytes(content.encode(), "p.yaml", folder, env={}).snapshot


@pytest.mark.parametrize(
    "content",
    [
        HEAD,
        HEAD + "spec: {}\n",
        HEAD + "spec:\n",
        HEAD + "spec: {retry: , fallback: ~, routes: null, prices: []}\n",
        "---\n" + HEAD + "---\n",
        "\ufeff" + HEAD,
        HEAD.replace("\n", "\r\n"),
        '{"apiVersion": "claude-sidecar.dev/v1alpha1", "kind": "ClaudePolicy", "spec": {}}',
        HEAD + "spec: {retry: {budget: {percent: 20, minPerSecond: 10}}}\n",
        HEAD + "spec: {fallback: {causes: [Timeout, ServerError, ConnectionFailure, Overloaded]}}\n",
        HEAD + "spec: {routes: [{name: anthropic, endpoint: 'https://api.anthropic.com'}]}\n",
    ],
)
def test_spec_that_means_the_default_has_its_hash(content: str) -> None:
    assert snapshot(content).hash == spec_hash(default_policy())


def test_what_kubectl_prints_is_a_policy_file() -> None:
    loaded = snapshot(
        HEAD
        + """\
metadata:
  annotations: {kubectl.kubernetes.io/last-applied-configuration: "{}"}
  creationTimestamp: 2026-01-01T00:00:00Z
  generation: 7
  managedFields: [{manager: kubectl, time: 2026-01-01T00:00:00Z}]
  name: production
  namespace: shop
  resourceVersion: "123"
  uid: 2b1c
spec: {}
status: {conditions: []}
"""
    )
    assert (loaded.name, loaded.namespace, loaded.generation) == ("production", "shop", 7)


def test_anchors_and_merge_keys_are_understood_and_own_fields_win() -> None:
    loaded = snapshot(
        HEAD
        + """\
spec:
  timeouts: &t {connect: 1s, total: 1m}
  stream: {holdMax: &h 2s}
  retry: {maxRetryAfter: *h, backoff: {<<: [{initial: 3s}, {initial: 4s, max: 9s}], max: 5s}}
"""
    )
    retry = loaded.retry
    assert (retry.max_retry_after_s, retry.backoff.initial_s, retry.backoff.max_s) == (2, 3, 5)


def test_dated_and_plain_name_of_one_model_may_share_an_id() -> None:
    loaded = snapshot(
        HEAD + "spec: {routes: [{name: a, models: "
        "[{name: claude-haiku-4-5}, {name: claude-haiku-4-5-20251001, id: claude-haiku-4-5}]}]}"
    )
    assert loaded.routes[0].models == {
        "claude-haiku-4-5": "claude-haiku-4-5",
        "claude-haiku-4-5-20251001": "claude-haiku-4-5",
    }


@pytest.mark.parametrize(
    ("endpoint", "origin", "base_path"),
    [
        ("https://api.anthropic.com/", "https://api.anthropic.com", ""),
        ("HTTPS://API.Example.com:443/base/path/", "https://api.example.com", "/base/path"),
        ("http://localhost:8080", "http://localhost:8080", ""),
        ("http://127.8.9.1", "http://127.8.9.1", ""),
        ("http://[::1]:9", "http://[::1]:9", ""),
        ("https://h.example/a%20b", "https://h.example", "/a%20b"),
    ],
)
def test_endpoint_is_taken_apart(endpoint: str, origin: str, base_path: str) -> None:
    if endpoint.startswith("HTTPS"):
        endpoint = endpoint.replace("HTTPS", "https")
    route = snapshot(HEAD + f"spec: {{routes: [{{name: a, endpoint: '{endpoint}'}}]}}").routes[0]
    assert (route.origin, route.base_path) == (origin, base_path)


def test_clear_text_to_another_machine_needs_insecure_allow() -> None:
    spec = "spec: {routes: [{name: a, endpoint: 'http://gateway.example', insecure: Allow}]}"
    assert snapshot(HEAD + spec).routes[0].origin == "http://gateway.example"


def test_credential_file_is_found_from_the_policy_files_folder(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k\n")
    loaded = snapshot(HEAD + "spec: {routes: [{name: a, credential: {file: key}}]}", tmp_path)
    assert loaded.routes[0].credential == CredentialRef("file", str(tmp_path / "key"), ProviderName.ANTHROPIC)


def test_secret_need_not_be_there_yet_and_is_called_claude_keys_by_default() -> None:
    loaded = snapshot(HEAD + "spec: {routes: [{name: a, credential: {secretKeyRef: {key: k}}}]}")
    assert loaded.routes[0].credential == CredentialRef("secret", "claude-keys/k", ProviderName.ANTHROPIC)
