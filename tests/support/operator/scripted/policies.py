"""The policies of one namespace of a scripted API server, by what their user does and sees."""

from typing import Any

from support.operator.scripted.api import ScriptedApi

from claude_operator import names
from claude_operator.cluster import paths


class Policies:
    """Of namespace `shop`."""

    def __init__(self, api: ScriptedApi, namespace: str = "shop") -> None:
        self._api, self.namespace = api, namespace

    def path(self, name: str = "production") -> str:
        return f"{paths.collection(names.GROUP, names.VERSION, names.PLURAL, self.namespace)}/{name}"

    def config_map_path(self, name: str = "production") -> str:
        return paths.config_map(self.namespace, names.configmap_name(name))

    def apply(self, name: str = "production", **spec: Any) -> dict[str, Any]:
        """Make a policy or replace its spec."""
        before = self._api.at(self.path(name)) or {"spec": {}}
        return self._api.edit(self.path(name), {"spec": {**dict.fromkeys(before["spec"]), **spec}})

    def delete(self, name: str = "production") -> None:
        self._api.remove(self.path(name))

    def status(self, name: str = "production") -> dict[str, Any]:
        return dict(self._api.at(self.path(name)).get("status") or {})

    def condition(self, kind: str, name: str = "production") -> tuple[str, str, str]:
        """(status, reason, message) of a condition that is about the policy as it is."""
        generation = self._api.at(self.path(name))["metadata"]["generation"]
        (found,) = [
            each
            for each in self.status(name).get("conditions", [])
            if each["type"] == kind and each["observedGeneration"] == generation
        ]
        return found["status"], found["reason"], found["message"]

    def config_map(self, name: str = "production") -> Any:
        """None where there is none."""
        return self._api.at(self.config_map_path(name))

    def file(self, name: str = "production") -> str:
        """What the policy's ConfigMap holds."""
        return str(self.config_map(name)["data"][names.POLICY_KEY])

    def told(self) -> list[tuple[str, int]]:
        """(reason, count) of each event."""
        return sorted((each["reason"], each["count"]) for each in self._api.objects("events"))
