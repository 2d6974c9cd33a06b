"""`python -m bench.cluster`: times and memory on a whole cluster (`make cluster-up`), with running pods.

Prints each figure as soon as it is known.
"""

import argparse
import os
import sys
import time
from contextlib import ExitStack
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.cluster.waiting import until  # noqa: E402
from support.cluster.whole.given import whole_cluster  # noqa: E402
from support.cluster.whole.lifecycle import running  # noqa: E402
from support.cluster.whole.places import given_kubeconfig, places  # noqa: E402
from support.release.app import App  # noqa: E402
from support.release.images import take_in  # noqa: E402
from support.release.release import Release  # noqa: E402
from support.release.rollout import is_ready, sidecar_of  # noqa: E402
from support.release.shop import Shop  # noqa: E402
from support.release.stage import Stage, stage  # noqa: E402

from bench.cluster.edits import until_in_force  # noqa: E402
from bench.cluster.light_pods import light_pods  # noqa: E402
from bench.cluster.memory import working_sets  # noqa: E402
from bench.cluster.sample import told  # noqa: E402
from bench.cluster.starts import starts  # noqa: E402
from bench.telling import Telling  # noqa: E402

_STARTS = 30
_FIRST_CALLS = 10
_NUDGES_OFF = {"nudgesPerSecond": 0}


def main() -> None:
    """Measure one thing after the other."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--pods", type=int, default=50, help="that one edit has to reach")
    asked.add_argument("--edits", type=int, default=30, help="with the nudge")
    asked.add_argument(
        "--edits-without", type=int, default=2, help="without the nudge; each takes a minute or two"
    )
    chosen = asked.parse_args()
    telling = Telling("cluster", "the cluster itself is among the other programs")
    with ExitStack() as stack:
        was_there, began = given_kubeconfig() or running(places()), time.monotonic()
        cluster = stack.enter_context(whole_cluster())
        if not was_there:
            telling.tell("cluster-up, everything built", f"{time.monotonic() - began:.1f} s")
        take_in(cluster)
        on = stack.enter_context(stage(cluster))
        telling.tell("helm install --wait", f"{_reinstalled(on.release):.1f} s")
        with on.shop() as shop:
            _starts(telling, shop)
        with on.shop() as shop:
            _first_calls(telling, shop)
        with on.shop() as shop:
            _edits(telling, on, shop, chosen)
    print(f"kept in {telling.keep(len(os.sched_getaffinity(0)))}")


def _reinstalled(release: Release) -> float:
    release.uninstall()
    began = time.monotonic()
    release.install()
    return time.monotonic() - began


def _starts(telling: Telling, shop: Shop) -> None:
    taken = list(starts(shop, times=_STARTS))
    telling.tell("pod created until ready, without a sidecar", told([each.plain for each in taken]))
    telling.tell("the same with a sidecar", told([each.injected for each in taken]))
    telling.tell("added by the sidecar", told([each.injected - each.plain for each in taken]))
    telling.tell("added without its startup probe", told([each.unprobed - each.plain for each in taken]))


def _first_calls(telling: Telling, shop: Shop) -> None:
    """From `kubectl annotate` to the first call that went through a sidecar."""
    took = []
    for number in range(_FIRST_CALLS):
        app = shop.app(f"web-{number}")
        app.deploy()
        began = time.monotonic()
        app.annotate("production")
        until(partial(_serves, app), "a call went through a sidecar", seconds=60)
        took.append(time.monotonic() - began)
        shop.cluster.kubectl("delete", "deployment", app.name, "-n", shop.namespace)
    telling.tell("kubectl annotate until the first call is served", told(took))


def _serves(app: App) -> bool:
    able = [pod for pod in app.pods() if sidecar_of(pod) and is_ready(pod)]
    return bool(able) and "x-claude-sidecar-route" in app.ask(able[0])["headers"]


def _edits(telling: Telling, on: Stage, shop: Shop, chosen: argparse.Namespace) -> None:
    attempts = cycle(range(1, 11))

    def edited(pods: list[dict[str, Any]], times: int, within_s: float) -> list[list[float]]:
        """Seconds until each pod ran it, for each edit."""
        took = []
        for _ in range(times):
            took.append(until_in_force(shop, pods, next(attempts), within_s=within_s))
            shop.policies.wait_for("Programmed", "True/Programmed")
        return took

    for count in sorted({1, chosen.pods}):
        pods = light_pods(shop, count)
        took = edited(pods, chosen.edits, 30)
        telling.tell(f"edit until in force, {count} pods: each pod", told([s for each in took for s in each]))
        telling.tell(
            f"edit until in force, {count} pods: the last of them", told([max(each) for each in took])
        )
    _memory(telling, on, shop)
    if chosen.edits_without:
        on.release.upgrade(_NUDGES_OFF)
        without = [s for each in edited(pods, chosen.edits_without, 300) for s in each]
        telling.tell(f"without the nudge, {chosen.pods} pods: each pod", told(without))
        on.release.upgrade()


def _memory(telling: Telling, on: Stage, shop: Shop) -> None:
    for (namespace, container), used in sorted(working_sets(on.cluster).items()):
        if namespace == on.release.namespace or (namespace, container) == (shop.namespace, "claude-sidecar"):
            telling.tell(f"working set of {container}", told(used, "MiB"))


if __name__ == "__main__":
    main()
