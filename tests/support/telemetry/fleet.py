"""A small fleet: operator, webhook and workloads in a real control plane, sidecars of real processes."""

import contextlib
from pathlib import Path
from typing import Any

from support.cluster.api_client import MERGE_PATCH
from support.cluster.claude_policies import POLICIES, policy
from support.cluster.cluster import Cluster
from support.cluster.waiting import until
from support.operator.installation import Installation, installation
from support.operator.installed import install
from support.operator.operator_process import OperatorProcess
from support.operator.stand_in import RunningPod, StandIns, free_address
from support.operator.webhook_process import HEALTH_PORT
from support.telemetry import traffic
from support.telemetry.processes import simulator

from claude_operator import names

KEY, SECOND_KEY = "sk-ant-api03-of-the-app", "sk-ant-api03-of-the-second-organisation"
_ASKS = {names.POLICY: "production"}
_CONTAINERS = [{"name": "app", "image": "localhost/app:1"}]


class Fleet:
    """Everything runs. namespace: the workloads'; calls: how many were made so far."""

    def __init__(self, cluster: Cluster, folder: Path, stack: contextlib.ExitStack) -> None:
        self.cluster, self.calls, self._edits = cluster, 0, 0
        self._folder, self._stack = folder, stack
        self._stand_ins = StandIns(cluster, folder, stack)
        self._running: list[RunningPod] = []
        install(cluster)
        self.namespace = cluster.namespace()
        upstream = stack.enter_context(simulator(folder))
        cluster.request(
            "POST", POLICIES.format(self.namespace), policy(_spec(upstream), "production")
        ).expect()
        parts = stack.enter_context(installation(cluster))
        self._make_what_no_webhook_saw()
        self.targets = _start(parts)
        until(self._is_injected, "the API server knows the webhook's bundle")
        self._make_workloads()

    def _post(self, path: str, kind: str, name: str, spec: dict[str, Any], **meta: Any) -> None:
        body = {"kind": kind, "metadata": {"name": name, **meta}, "spec": spec}
        self.cluster.request("POST", f"{path.format(self.namespace)}", body).expect()

    def _make_what_no_webhook_saw(self) -> None:
        """A pod, and an annotation on a workload."""
        self._post(PODS, "Pod", "too-early", {"containers": _CONTAINERS}, annotations=_ASKS)
        self._post(DEPLOYMENTS, "Deployment", "too-early", _deployment(0), annotations=_ASKS)

    def _make_workloads(self) -> None:
        """One of each kind that is named in another way: two with real sidecars, others seem to run."""
        host = {"containers": _CONTAINERS, "hostNetwork": True}
        self._post(PODS, "Pod", "host", host, annotations=_ASKS)
        self._post(PODS, "Pod", "alone", {"containers": _CONTAINERS}, annotations=_ASKS)
        self._post(DEPLOYMENTS, "Deployment", "web-front", _deployment(1), annotations=_ASKS)
        stateful = {**_deployment(1), "serviceName": "batch"}
        self._post(STATEFUL_SETS, "StatefulSet", "batch", stateful, annotations=_ASKS)
        job = {"template": _template(restartPolicy="Never", annotations=_ASKS)}
        self._post(JOBS, "Job", "nightly-29412345", job)
        for prefix in ("alone", "nightly-"):
            self._stand_ins.report(self.namespace, self._pod(prefix), podIP=free_address())
        for prefix in ("web-front-", "batch-"):
            self._run(self._pod(prefix))

    def _is_injected(self) -> bool:
        """Whether a pod that is only tried gets a sidecar."""
        pod = {"metadata": {"name": "tried", "annotations": _ASKS}, "spec": {"containers": _CONTAINERS}}
        tried = self.cluster.request("POST", f"{PODS.format(self.namespace)}?dryRun=All", pod).expect()
        return "initContainers" in tried["spec"]

    def _pod(self, prefix: str) -> str:
        """The name of the pod that a controller made, as the webhook left it."""

        def found() -> str | None:
            pods = self.cluster.api.get(PODS.format(self.namespace))["items"]
            made = (each for each in pods if each["metadata"]["name"].startswith(prefix))
            injected = (each for each in made if each["spec"].get("initContainers"))
            return next((str(each["metadata"]["name"]) for each in injected), None)

        return until(found, f"there is a pod {prefix} with a sidecar") or ""

    def _run(self, name: str) -> None:
        """Do for a pod what its kubelet would do."""
        pod = RunningPod(self.cluster, self.namespace, name, "production", self._folder / name)
        secret = pod.secrets / "claude-keys"
        secret.mkdir()
        (secret / "second-org").write_text(SECOND_KEY)
        until(pod.sync, "the policy's ConfigMap is there")
        address = free_address()
        self._stack.enter_context(pod.sidecar(address, {}))
        self._stand_ins.report(self.namespace, name, podIP=address)
        self._running.append(pod)

    def work(self) -> None:
        """An edit of the policy, a pod that is asked for, and some calls by each app."""
        self._edits += 1
        edit = {"spec": {"limits": {"maxConcurrent": 500 + self._edits}}}
        path = f"{POLICIES.format(self.namespace)}/production"
        self.cluster.request("PATCH", path, edit, content_type=MERGE_PATCH).expect()
        self._is_injected()
        for running in self._running:
            running.sync()
            self.calls += traffic.one_round(f"http://127.0.0.1:{running.port}", KEY)


PODS = "/api/v1/namespaces/{}/pods"
DEPLOYMENTS = "/apis/apps/v1/namespaces/{}/deployments"
STATEFUL_SETS = "/apis/apps/v1/namespaces/{}/statefulsets"
JOBS = "/apis/batch/v1/namespaces/{}/jobs"


def _template(annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    meta = {"labels": {"app": "it"}, "annotations": annotations or {}}
    return {"metadata": meta, "spec": {"containers": _CONTAINERS, **spec}}


def _deployment(replicas: int) -> dict[str, Any]:
    return {"replicas": replicas, "selector": {"matchLabels": {"app": "it"}}, "template": _template()}


def _spec(upstream: str) -> dict[str, Any]:
    """Two routes, the price of one model, and a breaker that all this trouble does not open for good."""
    price = {
        "inputPerMTok": "3",
        "outputPerMTok": "15",
        "cacheReadPerMTok": "0.3",
        "cacheWritePerMTok": "3.75",
    }
    own = {"secretKeyRef": {"name": "claude-keys", "key": "second-org"}}
    return {
        "routes": [
            {"name": "anthropic", "endpoint": upstream},
            {"name": "second-org", "endpoint": upstream, "credential": own},
        ],
        "retry": {
            "backoff": {"initial": "5ms", "max": "5ms"},
            "budget": {"percent": 100, "minPerSecond": 100},
        },
        "circuitBreaker": {"minRequests": 1000},
        "prices": [{"model": traffic.MODELS[0], **price}],
    }


def _start(parts: Installation) -> list[str]:
    """Start operator and webhook; where each tells its metrics."""
    parts.configure()
    operator: OperatorProcess = parts.reconcile()
    parts.replica(0)
    parts.replica(1)
    parts.wait_until_ready()
    operator.wait_until_said("listed")
    own = operator.wait_until_said("started")["port"]
    return [f"127.0.0.1:{own}", *(f"{address}:{HEALTH_PORT}" for address in parts.addresses)]
