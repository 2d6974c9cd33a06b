"""A request to the scripted API server, and the object or list that its path is about."""

from dataclasses import dataclass
from typing import Any, NamedTuple


class Place(NamedTuple):
    """Where an object is; a list has no name, and no namespace where it is about all of them."""

    root: str
    plural: str
    namespace: str
    name: str

    def named(self, body: dict[str, Any]) -> dict[str, Any]:
        """An object with this place in its metadata."""
        namespace = {"namespace": self.namespace} if self.namespace else {}
        return {**body, "metadata": {**body["metadata"], "name": self.name, **namespace}}


@dataclass
class Request:
    """One that came. at_s: on the loop's clock. status: of the answer; 0 if none came, None until then."""

    method: str
    path: str
    body: Any
    content_type: str
    accept: str
    query: dict[str, str]
    at_s: float
    status: int | None = None

    @property
    def what(self) -> str:
        """As in `PATCH claudepolicies/status`."""
        place, subresource = parsed(self.path)
        return f"{self.method} {place.plural}/{subresource}".rstrip("/")

    @property
    def manager(self) -> str:
        """Who writes."""
        return self.query.get("fieldManager", "unnamed")


def parsed(path: str) -> tuple[Place, str]:
    """What a path is about: the place and the subresource, which may be empty."""
    parts = path.strip("/").split("/")
    at = 2 if parts[0] == "api" else 3
    root, rest, namespace = "/".join(parts[:at]), parts[at:], ""
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    plural, name, subresource, *_ = [*rest, "", ""]
    return Place(root, plural, namespace, name), subresource
