"""ClaudePolicy objects as users edit them, and what `kubectl get` shows of them."""

import json
from typing import Any

from support.cluster.claude_policies import POLICIES, policy
from support.cluster.cluster import Cluster
from support.cluster.waiting import until


class Policies:
    """The policies of one namespace."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace

    def apply(self, name: str = "production", **spec: Any) -> dict[str, Any]:
        """`kubectl apply` of a whole spec; the policy as the server shows it then."""
        self.cluster.apply(policy(spec, name), namespace=self.namespace)
        return self.get(name)

    def get(self, name: str = "production") -> dict[str, Any]:
        """The object."""
        found: dict[str, Any] = self.cluster.api.get(f"{POLICIES.format(self.namespace)}/{name}")
        return found

    def row(self, name: str = "production") -> dict[str, str]:
        """The line of `kubectl get cpol NAME`, by its columns."""
        head, line = self.cluster.kubectl("get", "cpol", name, "-n", self.namespace).splitlines()
        return dict(zip(head.split(), line.split(), strict=True))

    def said(self, kind: str, name: str = "production") -> str:
        """`Status/Reason` of a condition if it is about the newest generation, else nothing."""
        found = self.get(name)
        for each in (found.get("status") or {}).get("conditions") or ():
            if each["type"] == kind and each["observedGeneration"] == found["metadata"]["generation"]:
                return f"{each['status']}/{each['reason']}"
        return ""

    def wait_for(self, kind: str, said: str, name: str = "production", *, seconds: float = 60) -> None:
        """Wait until a condition of the newest generation is so."""
        seen: list[str] = []

        def is_so() -> bool:
            seen[:] = [json.dumps(self.get(name).get("status"))]
            return self.said(kind, name) == said

        try:
            until(is_so, f"{kind} of policy {name} is {said}", seconds=seconds)
        except AssertionError as late:
            raise AssertionError(f"{late}; its status is {seen[0]}") from None

    def events(self) -> list[tuple[str, str, str, str]]:
        """(kind, name, reason, message) of the events that the operator told in this namespace."""
        path = f"/api/v1/namespaces/{self.namespace}/events"
        return [
            (each["involvedObject"]["kind"], each["involvedObject"]["name"], each["reason"], each["message"])
            for each in self.cluster.api.get(path)["items"]
            if each.get("reportingComponent") == "claude-operator"
        ]

    def wait_for_event(self, kind: str, name: str, reason: str, *, seconds: float = 60) -> str:
        """The message of such an event, once it is there."""

        def found() -> str:
            return next((each[3] for each in self.events() if each[:3] == (kind, name, reason)), "")

        try:
            return until(found, f"{reason} is told of {kind} {name}", seconds=seconds)
        except AssertionError as late:
            raise AssertionError(f"{late}; told is {self.events()}") from None
