"""Steady calls of many pods under faults that their policy cures, and the books compared at the end."""

import time
from collections import Counter

from support.cluster.waiting import until
from support.release.app import POLICY, App
from support.release.metrics_text import sums
from support.release.shop import Shop
from support.release.stage import Stage
from support.release.tally import Tally
from support.release.upstream import Upstream

_SETTLE_S = 60
RULES = (
    {"match": {"call": "every 11"}, "status": 529},
    {"match": {"call": "every 23"}, "status": 500},
    {"match": {"call": "every 37"}, "status": 429, "headers": {"retry-after-ms": "50"}},
    {"match": {"call": "every 41"}, "reset": True},
    {"match": {"call": "every 43", "stream": True}, "error_at_event": 0},
    {"match": {"call": "every 53", "stream": True}, "truncate_at_event": 1, "mode": "cut"},
)
"""All of these a policy with enough attempts cures."""


def soak(on: Stage, shop: Shop, pods: int, calls_per_second: float, seconds: float) -> list[str]:
    """What is wrong at the end."""
    tally = Tally(shop.cluster, shop.namespace)
    tally.deploy()
    on.upstream.play(*RULES)
    budget = {"percent": 100, "minPerSecond": 1000}
    shop.policies.apply(
        **shop.two_routes(
            retry={"maxAttempts": 8, "budget": budget, "backoff": {"initial": "20ms", "max": "200ms"}},
            circuitBreaker={"minRequests": 1000000},
        )
    )
    app = shop.app(
        replicas=pods,
        environ={
            "CALLS_PER_SECOND": str(calls_per_second / pods),
            "FOR_SECONDS": str(seconds),
            "TALLY_URL": tally.url,
        },
    )
    app.deploy(**{POLICY: "production"})
    print(f"{pods} pods are ready; {calls_per_second:g} calls/s for {seconds:g} s", flush=True)
    expected = int(calls_per_second * seconds)
    _watch(tally, expected, seconds)
    return _compared(app, tally, on.upstream, expected)


def _watch(tally: Tally, expected: int, seconds: float) -> None:
    """Until all calls have been told, saying now and then how far it is."""
    last = time.monotonic() + seconds + _SETTLE_S
    while time.monotonic() < last:
        ended = tally.sums()["ended"]
        print(f"  ended: {ended}", flush=True)
        if sum(ended.values()) >= expected:
            return
        time.sleep(min(10.0, max(1.0, seconds / 20)))


def _compared(app: App, tally: Tally, upstream: Upstream, expected: int) -> list[str]:
    until(lambda: _quiet(upstream), "the upstream has nothing under way", seconds=30)
    told = tally.sums()
    ended = Counter(told["ended"])
    served: Counter[tuple[str, ...]] = Counter()
    tokens: Counter[tuple[str, ...]] = Counter()
    for call in upstream.calls():
        served[(str(call["key"]), str(call["status"] or "none"))] += 1
        for kind, name in (("input", "input_tokens"), ("output", "output_tokens")):
            tokens[(kind,)] += (call["reported_usage"] or {}).get(name, 0)
    metrics = [app.sidecar_metrics(pod) for pod in app.pods()]
    sent = sums(metrics, "claude_sidecar_attempts_total", "route", "status")
    counted = sums(metrics, "claude_sidecar_tokens_total", "kind")
    handed_out = sums(metrics, "claude_sidecar_requests_total", "status")
    print(f"calls: {dict(ended)}; sends by route and status: {dict(sent)}; tokens: {dict(counted)}")
    found = []
    if ended["failed"] or ended["ok"] < expected:
        found.append(
            f"{ended['failed']} calls failed, {ended['ok']} of {expected} ended well: {told['examples']}"
        )
    if handed_out != Counter({("200",): ended["ok"]}):
        found.append(f"the sidecars handed out {dict(handed_out)}, the apps got {dict(ended)}")
    if sent != served:
        found.append(f"the sidecars counted {dict(sent)}, the upstream served {dict(served)}")
    if {kind: counted[kind] for kind in tokens} != dict(tokens):
        found.append(f"the sidecars counted tokens {dict(counted)}, the upstream reported {dict(tokens)}")
    return found


def _quiet(upstream: Upstream) -> bool:
    before = len(upstream.calls())
    time.sleep(1)
    return len(upstream.calls()) == before
