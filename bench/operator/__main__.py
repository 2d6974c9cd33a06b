# ruff: noqa: A005 - run as `python -m bench.operator`, never imported as `operator`
"""`python -m bench.operator`: 500 policies and 5,000 pods; times, writes and memory of the reconciler."""

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.cluster.cluster import Cluster  # noqa: E402
from support.cluster.local_cluster import local_cluster  # noqa: E402
from support.cluster.programs import minors, programs_of  # noqa: E402
from support.operator.installed import NAMESPACE, install  # noqa: E402
from support.operator.operator_process import OperatorProcess, operator_process  # noqa: E402

from bench.operator import state  # noqa: E402
from bench.telling import Telling  # noqa: E402
from claude_operator.crd.judge import judge  # noqa: E402
from claude_operator.desired.appraisal import appraised  # noqa: E402
from claude_sidecar import __version__  # noqa: E402

_WRITTEN = ("configmaps", "claudepolicies/status", "events", "pods")
_VERBS = ("POST", "PATCH", "PUT", "DELETE", "APPLY")
_PROCESSOR = "process_cpu_seconds_total"
_REST_S = 15.0
_POLICIES, _PODS, _EDITED = 500, 10, 50


def main() -> None:
    """Run it; the whole is kept, a smaller one is not."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--policies", type=int, default=_POLICIES)
    asked.add_argument("--pods", type=int, default=_PODS, help="of each policy")
    chosen = asked.parse_args()
    minor = minors()[0]
    telling = Telling("operator", f"a real API server of Kubernetes {minor} and its etcd on the same cores")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cluster = stack.enter_context(local_cluster(programs_of(minor)))
        install(cluster)
        bench = Bench(cluster, folder, chosen.policies, chosen.pods, stack, telling.tell)
        asyncio.run(bench.run())
    if (chosen.policies, chosen.pods) == (_POLICIES, _PODS):
        print(f"kept in {telling.keep(len(os.sched_getaffinity(0)))}")


class Bench:
    """One run; each figure is printed as soon as it is known."""

    def __init__(
        self,
        cluster: Cluster,
        folder: Path,
        policies: int,
        pods: int,
        stack: ExitStack,
        tell: Callable[[str, str], None],
    ) -> None:
        self._cluster, self._policies, self._pods = cluster, policies, pods
        self._stack, self._tell = stack, tell
        self._answers = folder / "answers.json"

    async def run(self) -> None:
        """All parts, in order."""
        async with state.administrator(self._cluster.kubeconfig) as api:
            self._api = api
            await self._make()
            await self._take_up()
            self._sidecars()
            began = time.monotonic()
            first = self._operator()
            self._tell("listed after, s", f"{time.monotonic() - began:.1f}")
            self._processor(first, "processor time until listed, s")
            await self._settled(began, "all statuses right after, s", self._is_right)
            self._memory(first, "RSS settled, MiB")
            await self._events(first)
            await self._edits()
            self._memory(first, "RSS after the edits, MiB")
            first.end()
            await self._restart()

    async def _make(self) -> None:
        began = time.monotonic()
        await state.make_namespaces(self._api)
        await state.all_of(state.make_policy(self._api, number) for number in range(self._policies))
        await state.all_of(
            state.make_pod(self._api, policy, pod)
            for policy in range(self._policies)
            for pod in range(self._pods)
        )
        self._tell("policies, pods", f"{self._policies}, {self._policies * self._pods}")
        self._tell("(making them, s)", f"{time.monotonic() - began:.0f}")

    async def _take_up(self) -> None:
        """Let all sidecars run the policies as they are now."""
        said: list[Any] = [None] * self._policies
        for policy in await state.policies(self._api):
            meta = policy["metadata"]
            said[int(meta["name"].removeprefix("p-"))] = {
                "policy": meta["name"],
                "generation": meta["generation"],
                "hash": appraised(policy, judge).hash,
                "version": __version__,
            }
        fresh = self._answers.with_suffix(".new")
        fresh.write_text(json.dumps(said))
        fresh.replace(self._answers)

    def _sidecars(self) -> None:
        command = [sys.executable, "-m", "bench.operator.sidecars", str(self._answers)]
        started = self._stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        self._stack.callback(started.terminate)
        assert started.stdout
        assert started.stdout.readline() == "ready\n"

    def _operator(self) -> OperatorProcess:
        account = self._cluster.kubeconfig_for_service_account(NAMESPACE, "claude-sidecar-reconcile")
        # As by default, but for the Lease, which a restart would wait for.
        options = ("--no-webhook-certificates", "--ask-every-seconds", "120", "--resync-seconds", "120")
        running = self._stack.enter_context(
            operator_process(account, NAMESPACE, *options, "--lease-seconds", "15")
        )
        running.wait_until_said("listed", seconds=300)
        return running

    async def _edits(self) -> None:
        """Edit some policies, one after the other; then let their pods take them up."""
        before, took = self._written(), []
        for number in range(_EDITED):
            began = time.monotonic()
            await state.edit_policy(self._api, number, 5)
            path = f"{state.policies_path(state.namespace_of(number))}/p-{number}"
            while (await self._api.get(path))["status"]["observedGeneration"] != 2:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            took.append((time.monotonic() - began) * 1000)
        took.sort()
        median, greatest = took[len(took) // 2], took[-1]
        self._tell(
            "edit until its status is written, ms: median (greatest)", f"{median:.0f} ({greatest:.0f})"
        )
        after = self._written()
        self._per_change("writes per edit", after - before)
        await self._take_up()
        await self._settled(time.monotonic(), "pods have it until the statuses say so, s", self._is_right)
        self._per_change("writes per edit when its pods have it", self._written() - after)

    async def _events(self, running: OperatorProcess) -> None:
        """Touch every pod where no policy looks: over what is used at rest, that is the price of events."""
        told, pods = "claude_operator_watch_events_total", self._policies * self._pods
        at_rest = -running.metric(_PROCESSOR)
        await asyncio.sleep(_REST_S)
        events, used, began = running.metric(told, kind="pods"), running.metric(_PROCESSOR), time.monotonic()
        at_rest = (at_rest + used) / _REST_S
        await state.all_of(
            state.touch_pod(self._api, policy, pod)
            for policy in range(self._policies)
            for pod in range(self._pods)
        )
        while running.metric(told, kind="pods") < events + pods:  # noqa: ASYNC110
            await asyncio.sleep(1)
        used = running.metric(_PROCESSOR) - used - at_rest * (time.monotonic() - began)
        self._tell("processor time per event of a pod, us", f"{1e6 * used / pods:.0f}")
        self._tell("(such a pod, kB)", f"{await state.size_of_pod(self._api, 0, 0) / 1000:.1f}")

    async def _restart(self) -> None:
        """Start anew on what is there and wait until every sidecar was asked again."""
        before, began = self._written(), time.monotonic()
        second = self._operator()
        self._tell("restart: listed after, s", f"{time.monotonic() - began:.1f}")
        self._processor(second, "restart: processor time until listed, s")
        asks, waiting = "claude_operator_sidecar_asks_total", "claude_operator_queue_length"
        while second.metric(asks) < self._policies * self._pods or second.metric(waiting):  # noqa: ASYNC110
            await asyncio.sleep(0.5)
        self._tell("restart: all sidecars asked after, s", f"{time.monotonic() - began:.0f}")
        written = self._written() - before
        self._tell("restart: writes", ", ".join(map(str, written.items())) or "none")
        self._memory(second, "RSS after the restart, MiB")

    async def _settled(self, began: float, what: str, is_right: Callable[[dict[str, Any]], bool]) -> None:
        while not all(map(is_right, await state.policies(self._api))):  # noqa: ASYNC110
            await asyncio.sleep(0.5)
        self._tell(what, f"{time.monotonic() - began:.1f}")

    def _is_right(self, policy: dict[str, Any]) -> bool:
        status = policy.get("status") or {}
        states = {each["type"]: each["status"] for each in status.get("conditions") or ()}
        is_new = status.get("observedGeneration") == policy["metadata"]["generation"]
        return (
            is_new
            and set(states.values()) == {"True"}
            and status["podsSummary"] == f"{self._pods}/{self._pods}"
        )

    def _per_change(self, what: str, written: Counter[str]) -> None:
        shares = (f"{kind} {count / _EDITED:.2f}" for kind, count in sorted(written.items()))
        self._tell(what, ", ".join(shares) or "none")

    def _memory(self, running: OperatorProcess, what: str) -> None:
        self._tell(what, f"{running.rss_mib():.0f}")

    def _processor(self, running: OperatorProcess, what: str) -> None:
        self._tell(what, f"{running.metric(_PROCESSOR):.1f}")

    def _written(self) -> Counter[str]:
        """What the API server counts, as far as nobody but the operator writes it here."""
        found: Counter[str] = Counter()
        for labels, value in re.findall(
            r"^apiserver_request_total\{(.*?)\} (\S+)$", self._cluster.request("GET", "/metrics").body, re.M
        ):
            said = dict(re.findall(r'(\w+)="([^"]*)"', labels))
            what = "/".join(filter(None, (said["resource"], said["subresource"])))
            if what in _WRITTEN and said["verb"] in _VERBS:
                found[what] += int(float(value))
        return found


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
