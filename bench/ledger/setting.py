"""The simulated API, its faults, and the policy of the sidecar in front of it."""

from decimal import Decimal
from hashlib import sha256

from claude_sidecar.simulator import Scenario, parse

KEYS = {
    "one": "sk-ant-api03-ledger-one",
    "two": "sk-ant-api03-ledger-two",
    "own": "sk-ant-api03-ledger-own",
}
"""By the names that the simulator's ledger has; `own` is the second route's."""

CONVERSATION = "x-claude-code-session-id"
"""The header by which a call is found again everywhere."""

OWN_KEY = "LEDGER_OWN_KEY"

ASKED = (
    "claude-opus-4-8",
    "claude-sonnet-4-6",
    "claude-haiku-4-5",
    "claude-haiku-4-5-20251001",
    "claude-opus-4-7",
)
"""Models that callers ask for: with a substitute, with another id on the second route, by both names of one
model, without a price."""

PRICES: dict[str, tuple[str | None, ...]] = {
    "claude-opus-4-8": ("5", "25", "0.50", "6.25", None),
    "claude-sonnet-4-6": ("3", "15", "0.30", "3.75", "7.000001"),
    "our-sonnet": ("3.333333", "16.666667", "0.333333", "4.166667", None),
    "claude-haiku-4-5-20251001": ("1", "5", None, None, None),
}
"""Input, output, cache reads, cache writes for five minutes and for an hour."""

_FIELDS = ("inputPerMTok", "outputPerMTok", "cacheReadPerMTok", "cacheWritePerMTok", "cacheWrite1hPerMTok")

_SCENARIO = """\
answer: {{output_tokens: [5, 40]}}
models: [our-sonnet]
gzip: [json, error]
record_headers: [{conversation}]
keys:
{keys}
rules:
  - {{probability: 0.05, status: 529}}
  - {{probability: 0.03, status: 500}}
  - {{probability: 0.03, status: 429, headers: {{retry-after-ms: 5}}}}
  - {{probability: 0.01, status: 400}}
  - {{probability: 0.01, status: 401}}
  - {{probability: 0.01, status: 404}}
  - {{probability: 0.01, status: 502, html: true}}
  - {{probability: 0.01, reset: true}}
  - {{probability: 0.01, close: true}}
  - {{probability: 0.01, stop_reason: refusal}}
  - {{probability: 0.01, match: {{stream: false}}, truncate_body_at: 40}}
  - {{probability: 0.05, match: {{stream: true}}, error_at_event: 0}}
  - {{probability: 0.04, match: {{stream: true}}, error_at_event: 1}}
  - {{probability: 0.04, match: {{stream: true}}, error_at_event: 5}}
  - {{probability: 0.04, match: {{stream: true}}, truncate_at_event: 1, mode: cut}}
  - {{probability: 0.03, match: {{stream: true}}, truncate_at_event: 2, mode: clean}}
  - {{probability: 0.04, match: {{stream: true}}, truncate_at_event: 6, mode: cut}}
  - {{probability: 0.02, match: {{stream: true}}, stall_at_event: 2, stall: 0.06, error_at_event: 3}}
  - {{probability: 0.02, match: {{stream: true}}, stall_at_event: 2, stall: 0.06}}
"""

_POLICY = """\
apiVersion: claude-sidecar.dev/v1alpha1
kind: ClaudePolicy
metadata: {{name: ledger}}
spec:
  routes:
    - {{name: callers, endpoint: "{upstream}"}}
    - name: own
      endpoint: "{upstream}"
      credential: {{env: {own_key}}}
      models:
        - {{name: claude-opus-4-8}}
        - {{name: claude-sonnet-4-6, id: our-sonnet}}
        - {{name: claude-haiku-4-5, id: claude-haiku-4-5-20251001}}
        - {{name: claude-haiku-4-5-20251001}}
        - {{name: claude-opus-4-7}}
  retry:
    backoff: {{initial: 1ms, max: 4ms}}
    budget: {{percent: 100, minPerSecond: 1000}}
  fallback: {{substitutions: [{{model: claude-opus-4-8, with: [claude-sonnet-4-6]}}]}}
  circuitBreaker: {{minRequests: 1000000}}
  stream: {{quietAfter: 20ms, keepAlive: 20ms}}
  telemetry: {{traces: {{successesPerSecond: 1000, failuresPerSecond: 1000}}}}
  prices:
{prices}
"""


def scenario(seed: int) -> Scenario:
    """The simulator's part."""
    keys = "\n".join(f"  - {{name: {name}, key: {key}}}" for name, key in KEYS.items())
    return parse(f"seed: {seed}\n{_SCENARIO.format(keys=keys, conversation=CONVERSATION)}".encode())


def policy(upstream: str) -> str:
    """The sidecar's part. upstream: the simulator's base URL."""
    lines = []
    for model, figures in PRICES.items():
        given = [
            f'{field}: "{figure}"'
            for field, figure in zip(_FIELDS, figures, strict=True)
            if figure is not None
        ]
        lines.append(f"    - {{model: {model}, {', '.join(given)}}}")
    return _POLICY.format(upstream=upstream, own_key=OWN_KEY, prices="\n".join(lines))


def alias(key: str) -> str:
    """What a sidecar calls the credential that the ledger knows by this name."""
    return sha256(KEYS[key].encode()).hexdigest()[:8]


def prices_of(model: str) -> tuple[Decimal | None, ...]:
    """A model's prices by what it is called upstream, the hour's filled in: by hand, not by the sidecar."""
    figures = PRICES.get("claude-haiku-4-5-20251001" if model == "claude-haiku-4-5" else model, (None,) * 5)
    known = [None if figure is None else Decimal(figure) for figure in figures]
    if known[4] is None and known[3] is not None:
        known[4] = known[3] * 8 / 5
    return tuple(known)
