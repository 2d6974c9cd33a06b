"""`python -m bench.cluster`: times and memory on a whole cluster (`make cluster-up`), with running pods.

Prints each figure as soon as it is known.
"""

import argparse
import sys
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from deployed.app import POLICY, App  # noqa: E402
from deployed.images import take_in  # noqa: E402
from deployed.release import Release  # noqa: E402
from deployed.rollout import is_ready, sidecar_of  # noqa: E402
from deployed.shop import Shop  # noqa: E402
from deployed.stage import Stage, stage  # noqa: E402
from kube.waiting import until  # noqa: E402
from kube.whole.given import whole_cluster  # noqa: E402

from bench.cluster.edits import until_in_force  # noqa: E402
from bench.cluster.memory import working_sets  # noqa: E402
from bench.cluster.sample import told  # noqa: E402
from bench.cluster.starts import seconds_to_ready  # noqa: E402

_STARTS = 10
_FIRST_CALLS = 5
_NUDGES_OFF = {"nudgesPerSecond": 0}


def main() -> None:
    """Measure one thing after the other."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--pods", type=int, default=30, help="that one edit has to reach")
    asked.add_argument("--edits", type=int, default=10, help="with the nudge")
    asked.add_argument(
        "--edits-without", type=int, default=2, help="without the nudge; each takes a minute or two"
    )
    chosen = asked.parse_args()
    with ExitStack() as stack:
        cluster = stack.enter_context(whole_cluster())
        take_in(cluster)
        on = stack.enter_context(stage(cluster))
        _tell("helm install --wait", f"{_reinstalled(on.release):.1f} s")
        _starts(stack.enter_context(on.shop()))
        _first_calls(stack.enter_context(on.shop()))
        _edits(on, stack.enter_context(on.shop()), chosen.pods, chosen.edits, chosen.edits_without)


def _tell(what: str, value: str) -> None:
    print(f"{what:<62} {value}", flush=True)


def _reinstalled(release: Release) -> float:
    release.uninstall()
    began = time.monotonic()
    release.install()
    return time.monotonic() - began


def _starts(shop: Shop) -> None:
    pairs = list(seconds_to_ready(shop, pairs=_STARTS))
    _tell("pod created until ready, without a sidecar", told([plain for plain, _ in pairs]))
    _tell("the same with a sidecar", told([injected for _, injected in pairs]))
    _tell("added by the sidecar", told([injected - plain for plain, injected in pairs]))


def _first_calls(shop: Shop) -> None:
    """From `kubectl annotate` to the first call that went through a sidecar."""
    took = []
    for number in range(_FIRST_CALLS):
        app = shop.app(f"web-{number}")
        app.deploy()
        began = time.monotonic()
        app.annotate("production")
        until(partial(_serves, app), "a call went through a sidecar", seconds=60)
        took.append(time.monotonic() - began)
    _tell("kubectl annotate until the first call is served", told(took))


def _serves(app: App) -> bool:
    able = [pod for pod in app.pods() if sidecar_of(pod) and is_ready(pod)]
    return bool(able) and "x-claude-sidecar-route" in app.ask(able[0])["headers"]


def _edits(on: Stage, shop: Shop, pods: int, edits: int, edits_without: int) -> None:
    app = shop.app("many", replicas=pods)
    app.deploy(**{POLICY: "production"})
    attempts = iter(range(100))

    def edited(times: int, within_s: float) -> str:
        took = []
        for _ in range(times):
            took += until_in_force(shop, app, next(attempts) % 10 + 1, within_s=within_s)
            shop.policies.wait_for("Programmed", "True/Programmed")
        return told(took)

    _tell(f"edit until in force in each of {pods} pods, with the nudge", edited(edits, 30))
    _memory(on, shop)
    if edits_without:
        on.release.upgrade(_NUDGES_OFF)
        _tell(f"the same without the nudge (kubelet's own look, {pods} pods)", edited(edits_without, 300))
        on.release.upgrade()


def _memory(on: Stage, shop: Shop) -> None:
    for (namespace, container), used in sorted(working_sets(on.cluster).items()):
        if namespace == on.release.namespace or (namespace, container) == (shop.namespace, "claude-sidecar"):
            _tell(f"working set of {container}", told(used, "MiB"))


if __name__ == "__main__":
    main()
