"""What an injected sidecar makes of its policy file: bounds set in the pod, fields of newer versions."""

import asyncio
from pathlib import Path

import pytest

from claude_sidecar.config.load import load_bytes, load_default
from claude_sidecar.config.parse import parse_policy
from claude_sidecar.config.problem import PolicyInvalid
from claude_sidecar.config.watch import PolicyWatcher
from claude_sidecar.schema.meaning import effective_spec, spec_hash

INJECTED = {
    "CLAUDE_SIDECAR_INJECTED": "true",
    "CLAUDE_SIDECAR_ALLOWED_HOSTS": "api.anthropic.com,*.corp.example",
}
HEAD = "apiVersion: claude-sidecar.dev/v1alpha1\nkind: ClaudePolicy\nmetadata: {name: p}\n"


def load(spec: str, env: dict[str, str] | None = None):
    return load_bytes((HEAD + spec).encode(), "policy.yaml", Path("/"), INJECTED if env is None else env)


@pytest.mark.parametrize(
    "host", ["api.anthropic.com", "API.Anthropic.com", "a.corp.example", "a.b.corp.example"]
)
def test_allowed_hosts_may_be_routes(host: str) -> None:
    assert load(f"spec: {{routes: [{{name: a, endpoint: 'https://{host}'}}]}}").snapshot.routes


@pytest.mark.parametrize(
    "host", ["evil.example", "corp.example", "xcorp.example", "api.anthropic.com.evil.example"]
)
def test_other_hosts_are_refused_whatever_the_file_says(host: str) -> None:
    with pytest.raises(PolicyInvalid, match=f"host {host} is not allowed here; allowed: api.anthropic.com"):
        load(f"spec: {{routes: [{{name: a, endpoint: 'https://{host}'}}]}}")


def test_an_empty_list_of_hosts_allows_none() -> None:
    with pytest.raises(PolicyInvalid, match="allowed: none"):
        load("spec: {}", INJECTED | {"CLAUDE_SIDECAR_ALLOWED_HOSTS": ""})


@pytest.mark.parametrize("credential", ["{env: KEY}", "{file: /key}"])
def test_keys_come_from_secrets_only(credential: str) -> None:
    with pytest.raises(PolicyInvalid, match="takes keys from Secrets only; use secretKeyRef"):
        load(f"spec: {{routes: [{{name: a, credential: {credential}}}]}}")


def test_unknown_fields_are_told_and_passed_over() -> None:
    loaded = load(
        "spec: {retry: {maxAttempts: 2, hedging: {after: 1s}}, novel: 1, routes: [{name: a, tier: x}]}"
    )
    assert loaded.snapshot.retry.max_attempts == 2
    assert set(loaded.unknown_fields) == {"spec.retry.hedging", "spec.novel", "spec.routes.0.tier"}


def test_other_faults_still_refuse_the_file() -> None:
    with pytest.raises(PolicyInvalid, match="maxAttempts"):
        load("spec: {novel: 1, retry: {maxAttempts: 99}}")


def test_alone_on_a_machine_unknown_fields_are_errors() -> None:
    with pytest.raises(PolicyInvalid, match="novel"):
        load("spec: {novel: 1}", {})


@pytest.mark.parametrize(("limit", "expected"), [("100", 100), ("1000", 256), ("much", 256)])
def test_spooling_keeps_to_the_room_that_the_pod_has(limit: str, expected: int) -> None:
    snapshot = load("spec: {}", INJECTED | {"CLAUDE_SIDECAR_SPOOL_LIMIT_MIB": limit}).snapshot
    assert snapshot.limits.spool_bytes == expected << 20


@pytest.mark.parametrize(
    ("hosts", "expected"), [("api.anthropic.com", ["anthropic"]), ("gateway.corp.example", []), ("", [])]
)
def test_built_in_policy_keeps_to_the_pods_bounds_too(hosts: str, expected: list[str]) -> None:
    bounds = {"CLAUDE_SIDECAR_ALLOWED_HOSTS": hosts, "CLAUDE_SIDECAR_SPOOL_LIMIT_MIB": "8"}
    loaded = load_default(INJECTED | bounds)
    assert [route.name for route in loaded.snapshot.routes] == expected
    assert [route["name"] for route in effective_spec(loaded.policy)["routes"]] == expected
    assert loaded.snapshot.limits.spool_bytes == 8 << 20
    # A refused `spec: {}` must not pass for the policy in force.
    users = parse_policy((HEAD + "spec: {}").encode(), "policy.yaml")
    assert (loaded.snapshot.hash == spec_hash(users)) is bool(expected)


def test_it_begins_without_a_file_and_takes_it_up_when_it_comes(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    taken, refused = [], []
    watcher = PolicyWatcher(file, taken.append, refused.append, INJECTED)
    assert watcher.load_first().source == "built-in"
    watcher.reload()
    assert (taken, refused) == ([], [])
    file.write_text(HEAD + "spec: {retry: {maxAttempts: 3}}")
    watcher.reload()
    assert [loaded.snapshot.retry.max_attempts for loaded in taken] == [3]
    file.unlink()
    watcher.reload()
    assert refused == []


@pytest.mark.looptime
async def test_it_begins_although_the_file_is_bad_and_tells_so_at_the_first_look(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(HEAD + "spec: {retry: {maxAttempts: 99}}")
    taken, refused = [], []
    watcher = PolicyWatcher(file, taken.append, refused.append, INJECTED, interval_s=1)
    assert watcher.load_first().source == "built-in"
    looking = asyncio.create_task(watcher.run())
    await asyncio.sleep(2.5)
    (told,) = refused
    assert "maxAttempts" in str(told)
    file.write_text(HEAD + "spec: {retry: {maxAttempts: 3}}")
    await asyncio.sleep(1)
    assert [loaded.snapshot.retry.max_attempts for loaded in taken] == [3]
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking


def test_alone_on_a_machine_a_bad_file_at_the_start_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("spec: {routes: [")
    with pytest.raises(PolicyInvalid, match="is not YAML"):
        PolicyWatcher(file, print, print, {}).load_first()
