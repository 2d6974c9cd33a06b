"""Every kind of bad policy file is refused with its line, its place and what is allowed; nothing crashes."""

from pathlib import Path

import pytest

from claude_sidecar.config.load import load_bytes, load_file
from claude_sidecar.config.problem import PolicyInvalid

HEAD = "apiVersion: claude-sidecar.dev/v1alpha1\nkind: ClaudePolicy\nmetadata: {name: p}\n"


def faults(content: str | bytes, folder: Path | None = None) -> list[str]:
    """The problems of a file called `p.yaml`, one line each."""
    raw = content.encode() if isinstance(content, str) else content
    with pytest.raises(PolicyInvalid) as caught:
        load_bytes(raw, "p.yaml", folder or Path("/nowhere"), env={})
    return [str(problem) for problem in caught.value.problems]


SPEC = [  # the text of `spec` in line 4, and what its fault must say
    ("{retri: {}}", "4: spec.retri: unknown field; did you mean `retry`? allowed: routes, retry, fallback"),
    ("{maxAttempts: 3}", "4: spec.maxAttempts: unknown field; it belongs to spec.retry; allowed: routes"),
    (
        "{retry: {budget: {ratio: 0.25}}}",
        "4: spec.retry.budget.ratio: is given in percent: write `percent: 25` in its place",
    ),
    (
        "{retry: {budget: {ratio: lots}}}",
        "retry.budget.ratio: is given in percent: write `percent: 20` in its",
    ),
    ("{retry: {max_attempts: 3}}", "4: spec.retry.max_attempts: unknown field; did you mean `maxAttempts`?"),
    ("{retry: {maxAttempts: 0}}", "4: spec.retry.maxAttempts: `0` is out of range; allowed: 1 to 10"),
    ("{retry: {maxAttempts: 11}}", "`11` is out of range; allowed: 1 to 10"),
    ('{retry: {maxAttempts: "3"}}', "must be a whole number from 1 to 10, not text"),
    (
        "{retry: {maxAttempts: yes}}",
        "must be a whole number from 1 to 10, not the boolean that YAML reads in `yes`",
    ),
    (
        "{retry: {maxAttempts: 2.5}}",
        "must be a whole number from 1 to 10, not the number `2.5`; write 2 or 3",
    ),
    ("{retry: {maxAttempts: " + "9" * 5000 + "}}", "spec.retry.maxAttempts: cannot be read as a number"),
    (
        "{retry: {maxRetryAfter: 60}}",
        "a duration such as 500ms, 1s, 2m or 1m30s, not the number `60`; add a unit: 60s",
    ),
    ("{retry: {maxRetryAfter: 60 s}}", "`60 s` is not valid; allowed: a duration such as 500ms"),
    ("{retry: {maxRetryAfter: 1d}}", "`1d` is not valid; allowed: a duration"),
    ("{retry: {maxRetryAfter: -1s}}", "`-1s` is not valid; allowed: a duration"),
    ("{retry: {maxRetryAfter: 1:30}}", "not the number `1:30`"),
    ("{retry: {maxRetryAfter: 123456s}}", "`123456s` is not valid; allowed: a duration"),
    (
        "{retry: {causes: [ratelimit]}}",
        "spec.retry.causes[0]: `ratelimit` is not possible here; did you mean `RateLimit`?",
    ),
    (
        "{retry: {causes: [Authentication]}}",
        "allowed: RateLimit, Overloaded, ServerError, ConnectionFailure, Timeout",
    ),
    ("{retry: {causes: [Timeout, Timeout]}}", "spec.retry.causes: names Timeout twice"),
    ("{retry: {causes: Timeout}}", "spec.retry.causes: must be a list, not text"),
    ("{retry: {causes: [on]}}", "must be one of RateLimit"),
    ("{fallback: {causes: [InvalidRequest]}}", "SpendLimit, Billing, Authentication, Permission, NotFound"),
    (
        "{retry: {backoff: {initial: 1m}}}",
        "spec.retry.backoff.initial: `initial` must not be longer than `max`",
    ),
    ("{retry: {backoff: {max: 10ms}}}", "spec.retry.backoff.max: `initial` must not be longer than `max`"),
    ("{retry: {budget: {percent: 101}}}", "`101` is out of range; allowed: 0 to 100"),
    (
        "{retry: {budget: {percent: 20.0}}}",
        "must be a whole number from 0 to 100, not the number `20.0`; write 20",
    ),
    (
        "{retry: {budget: {minPerSecond: .inf}}}",
        "a whole number from 0 to 1000, not the number `.inf`",
    ),
    (
        "{telemetry: {traces: {successesPerSecond: 0.5}}}",
        "successesPerSecond: must be a whole number from 0 to 1000, not the number `0.5`; write 0 or 1",
    ),
    ("{telemetry: {traces: {failuresPerSecond: 50.0}}}", "not the number `50.0`; write 50"),
    ("{circuitBreaker: {failurePercent: 0.5}}", "not the number `0.5`; write 1"),
    ("{circuitBreaker: {failurePercent: 150.5}}", "a whole number from 1 to 100, not the number `150.5`"),
    ("{circuitBreaker: {failurePercent: 0}}", "`0` is out of range; allowed: 1 to 100"),
    ("{circuitBreaker: {minRequests: 1000001}}", "`1000001` is out of range; allowed: 1 to 1000000"),
    ("{timeouts: {total: 0s}}", "spec.timeouts.total: must be longer than 0s"),
    (
        "{stream: {hold: Header}}",
        "`Header` is not possible here; did you mean `Headers`? allowed: FirstDelta, Headers",
    ),
    (
        "{pacing: {mode: off}}",
        "must be one of Disabled, Observe, not the boolean that YAML reads in `off`",
    ),
    (
        "{pacing: {mode: Enforce}}",
        "mode: Enforce is not implemented yet; write Observe, which learns the limits and reports them",
    ),
    ("{pacing: {mode: enforce}}", "`enforce` is not possible here; allowed: Disabled, Observe"),
    ("{limits: []}", "spec.limits: must be a mapping with the fields maxConcurrent, maxBodyMiB"),
    ("{telemetry: {traces: {propagate: 'yes'}}}", "must be true or false, not text"),
    ("{telemetry: {featureHeader: X-Api-Key}}", "must not name a header that carries a credential"),
    ("{telemetry: {featureHeader: 'a b'}}", "allowed: a header name"),
    ("{prices: [{model: m, inputPerMTok: 3.0}]}", 'not the number `3.0`; quote it: "3.0"'),
    ("{prices: [{model: m, inputPerMTok: '-1'}]}", "allowed: a decimal string of at least 0"),
    ("{prices: [{model: m}, {model: m}]}", "spec.prices[1].model: 'm': this model already has a price"),
    (
        "{fallback: {substitutions: [{model: m, with: [m]}]}}",
        "with[0]: is the model itself; name another model",
    ),
    ("{fallback: {substitutions: [{model: m, with: [n, n]}]}}", "with[1]: names n twice"),
    ("{fallback: {substitutions: [{model: m, with: []}]}}", "has 0 entries; allowed: 1 to 8"),
    ("{fallback: {substitutions: [{model: m}]}}", "with: is missing; give a list"),
    ("[]", "4: spec: must be a mapping with the fields routes, retry"),
    ("!!python/object:os.system {}", "4: spec: has the tag"),
    ("{? [a] : b}", "has a field name that is no plain text"),
    ("{<<: 3}", "`<<` must name a mapping"),
]

ROUTES = [  # the text of `spec.routes`, and what its fault must say
    ("[]", "spec.routes: has 0 entries; allowed: 1 to 8"),
    ("[" + ", ".join(f"{{name: r{i}}}" for i in range(9)) + "]", "has 9 entries; allowed: 1 to 8"),
    ("[{}]", "spec.routes[0].name: is missing; give lower-case letters, digits and inner dashes"),
    ("[null]", "spec.routes[0]: must be a mapping with the fields name"),
    ("[{name: A_b}]", "`A_b` is not valid; allowed: lower-case letters"),
    ("[{name: on}]", 'not the boolean that YAML reads in `on`; quote it: "on"'),
    ("[{name: " + "a" * 64 + "}]", "is 64 characters long; allowed: up to 63"),
    ("[{name: a}, {name: a}]", "spec.routes[1].name: 'a': another route has this name"),
    ("[{name: a, provider: Bedrock}]", "provider: `Bedrock` is not possible here; allowed: Anthropic"),
    ("[{name: a, provider: null-and-void}]", "`null-and-void` is not possible here; allowed: Anthropic"),
    ("[{name: a, provider: 3}]", "must be one of Anthropic, not the number `3`"),
    ("[{name: a, provider: anthropic}]", "did you mean `Anthropic`?"),
    (
        "[{name: a, endpoint: 'http://api.anthropic.com'}]",
        "allowed for loopback only; use https://, or set `insecure",
    ),
    ("[{name: a, endpoint: 'http://127.1'}]", "is neither a DNS name nor an IP address"),
    ("[{name: a, endpoint: api.anthropic.com}]", "allowed: https://HOST[:PORT][/BASE/PATH]"),
    ("[{name: a, endpoint: 'https://api.anthropic.com/v1/'}]", "must not end in /v1: SDKs add it themselves"),
    ("[{name: a, endpoint: 'https://h.example/v1/messages'}]", "must not end in /v1"),
    ("[{name: a, endpoint: 'https://h.example?x=1'}]", "must not hold a query or a fragment"),
    ("[{name: a, endpoint: 'https://h.example/#x'}]", "must not hold a query or a fragment"),
    ("[{name: a, endpoint: 'https://h.example:0'}]", "has no usable port"),
    ("[{name: a, endpoint: 'https://h.example:99999'}]", "is no URL"),
    ("[{name: a, endpoint: 'https://'}]", "names no host"),
    (
        "[{name: a, endpoint: 'https://h.example/a/../b'}]",
        "base path with an empty, dotted or badly escaped segment",
    ),
    ("[{name: a, endpoint: 'https://h.ex ample'}]", "must be plain ASCII without spaces"),
    ("[{name: a, endpoint: 'https://bücher.example'}]", "xn--"),
    ("[{name: a, insecure: allow}]", "did you mean `Allow`? allowed: Forbid, Allow"),
    (
        "[{name: a, credential: {}}]",
        "credential: names no source; give exactly one of secretKeyRef, file, env",
    ),
    ("[{name: a, credential: {file: x, env: X}}]", "has file and env; give exactly one"),
    ("[{name: a, credential: {secretKeyRef: {}}}]", "secretKeyRef.key: is missing"),
    ("[{name: a, credential: {secretKeyRef: {key: ../x}}}]", "allowed: letters, digits, dashes, dots"),
    ("[{name: a, credential: {secretKeyRef: {name: a/b, key: x}}}]", "allowed: lower-case letters, digits"),
    (
        "[{name: a, credential: {file: no-such-key}}]",
        "credential.file: there is no file /nowhere/no-such-key",
    ),
    ("[{name: a, credential: {file: /}}]", "is not a regular file"),
    ("[{name: a, credential: {env: NOT_SET}}]", "credential.env: environment variable NOT_SET is not set"),
    ("[{name: a, credential: {env: 1X}}]", "allowed: the name of an environment variable"),
    ("[{name: a, models: []}]", "spec.routes[0].models: has 0 entries; allowed: 1 to 64"),
    (
        "[{name: a, models: [{name: m}, {name: m}]}]",
        "models[1].name: 'm': the route already lists this model",
    ),
    ("[{name: a, models: [{name: m}, {name: n, id: m}]}]", "n would be answered by another model"),
    ("[{name: a, models: [m]}]", "models[0]: must be a mapping with the fields name, id, not text"),
]

WHOLE = [  # the whole file, and what its fault must say
    ("", "p.yaml:1: (file): is empty"),
    ("# nothing\n---\n", "p.yaml:1: (file): is empty"),
    ("hello", "p.yaml:1: (file): must be a mapping with apiVersion, kind, metadata and spec"),
    ("- a\n", "p.yaml:1: (file): must be a mapping"),
    (HEAD + "spec:\n\tretry: {}\n", "p.yaml:5: (file): is not YAML: "),
    (HEAD + "spec:\n\tretry: {}\n", "indent with spaces, not tabs"),
    (HEAD + "spec: {a: [}\n", "p.yaml:4: (file): is not YAML: "),
    (HEAD + "spec: *x\n", "p.yaml:4: (file): is not YAML: "),
    (HEAD + "---\n" + HEAD, "p.yaml:5: (file): a second document begins here; put one policy in a file"),
    (HEAD + "kind: ClaudePolicy\n", "p.yaml:4: kind: is given twice, first in line 2; give it once"),
    (
        HEAD + "on: 1\n",
        "p.yaml:4: (file): YAML reads the field name `on` as a boolean, not as text; quote it",
    ),
    (HEAD + "1: 1\n", "YAML reads the field name `1` as a number"),
    (HEAD + "routes: []\n", "p.yaml:4: routes: unknown field; it belongs to spec"),
    ("spec: {}\n", "p.yaml:1: apiVersion: is missing; give `claude-sidecar.dev/v1alpha1`"),
    (HEAD.replace("v1alpha1", "v1"), "p.yaml:1: apiVersion: `claude-sidecar.dev/v1` is not possible here"),
    (
        HEAD.replace("ClaudePolicy", "Deployment"),
        "p.yaml:2: kind: `Deployment` is not possible here; allowed: ClaudePolicy",
    ),
    (HEAD.replace("name: p", "name: P"), "p.yaml:3: metadata.name: `P` is not valid"),
    (HEAD.replace("name: p", "nam: p"), "p.yaml:3: metadata.nam: unknown field; did you mean `name`?"),
    (HEAD + 'spec: "\x01"\n', "holds a character that YAML does not allow"),
    (HEAD.encode() + b"# \xff\n", "p.yaml:4: (file): is not text in UTF-8"),
    (HEAD.encode("utf-16"), "is not text in UTF-8"),
    (HEAD + "#" * 2_000_000, "is larger than a policy may be; allowed: 1024 KiB"),
    ("[" * 100_000, "is nested too deeply; allowed: 32 levels"),
    ("{a: " * 50_000, "is nested too deeply; allowed: 32 levels"),
    (HEAD + "spec: &a [*a, *a, *a]\n", "is nested too deeply, aliases counted"),
    (HEAD + "spec: [" + "a," * 200_000 + "]\n", "has too many parts; allowed: 50000"),
    (
        "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        + "".join(
            f"{b}: &{b} [{', '.join(['*' + a] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        "has too many parts, aliases counted; allowed: 50000",
    ),
]


def short(value: object) -> str | None:
    """A test's id from its input."""
    return repr(value[:50]) if isinstance(value, str | bytes) else None


@pytest.mark.parametrize(("spec", "says"), SPEC, ids=short)
def test_fault_in_the_spec_is_told(spec: str, says: str) -> None:
    assert any(says in fault for fault in faults(f"{HEAD}spec: {spec}\n"))


@pytest.mark.parametrize(("routes", "says"), ROUTES, ids=short)
def test_fault_in_a_route_is_told_with_its_line(routes: str, says: str) -> None:
    found = faults(f"{HEAD}spec:\n  routes: {routes}\n")
    assert any(says in fault for fault in found)
    assert all(fault.startswith("p.yaml:5: spec.routes") for fault in found)


@pytest.mark.parametrize(("content", "says"), WHOLE, ids=short)
def test_fault_of_the_whole_file_is_told(content: str | bytes, says: str) -> None:
    assert any(says in fault for fault in faults(content))


def test_missing_file_a_directory_and_a_device_are_told_apart(tmp_path: Path) -> None:
    for path, says in (
        (tmp_path / "none.yaml", "there is no such file"),
        (tmp_path, "is a directory"),
        (Path("/dev/null"), "is not a regular file"),
        (tmp_path / ("x" * 300), "cannot be read: "),
    ):
        with pytest.raises(PolicyInvalid) as caught:
            load_file(path)
        assert str(caught.value).startswith(f"{path}:1: (file): {says}")


def test_all_faults_of_a_file_are_found_at_once_in_its_order() -> None:
    found = faults(
        HEAD
        + """\
spec:
  routes:
    - name: a
      endpoint: http://api.example.com
    - name: a
      modles: []
  retry:
    maxAttempts: 11
    backoff: {initial: 1h}
    backoff: {}
  timeouts: {total: soon}
"""
    )
    assert [fault.split(": ")[:2] for fault in found] == [
        ["p.yaml:7", "spec.routes[0].endpoint"],
        ["p.yaml:8", "spec.routes[1].name"],
        ["p.yaml:9", "spec.routes[1].modles"],
        ["p.yaml:11", "spec.retry.maxAttempts"],
        ["p.yaml:12", "spec.retry.backoff.initial"],
        ["p.yaml:13", "spec.retry.backoff"],
        ["p.yaml:14", "spec.timeouts.total"],
    ]


@pytest.mark.parametrize(
    "spec",
    [
        "{routes: [{name: a, credential: sk-ant-api03-XYZZY}]}",
        "{routes: [{name: a, credential: {env: sk-ant-api03-XYZZY}}]}",
        "{routes: [{name: a, credential: {file: sk-ant-api03-XYZZY}}]}",
        "{routes: [{name: a, credential: {secretKeyRef: {key: sk-ant-api03-XYZZY}}}]}",
        "{routes: [{name: a, endpoint: 'https://u:sk-ant-api03-XYZZY@h.example'}]}",
        "{routes: [{name: a, provider: sk-ant-api03-XYZZY}]}",
        "{sk-ant-api03-XYZZY: 1}",
        "{retry: {maxRetryAfter: sk-ant-api03-XYZZY}}",
    ],
)
def test_key_written_into_a_policy_is_refused_and_never_shown(spec: str) -> None:
    found = faults(f"{HEAD}spec: {spec}\n")
    assert found
    assert "XYZZY" not in "\n".join(found)
