"""What is examined: the routes of a policy, a base URL, a running sidecar."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from claude_sidecar.doctor.observed import Exchange
from claude_sidecar.doctor.probes.api import Target
from claude_sidecar.schema.endpoint import Endpoint
from claude_sidecar.schema.routes import ProviderName
from claude_sidecar.schema.snapshot import Route

OFFICIAL = "api.anthropic.com"


@dataclass(slots=True)
class Subject:
    """One endpoint and all that is asked of it.

    served: the route's models by callers' name, None for all; admin: the admin port of the sidecar that
    listens there; keyless: why it can't be asked, empty where it can; own_credential: the route drops the
    caller's key; port_guessed: where calls go was not named. The rest is found out on the way: reached, and
    the models that its key reaches.
    """

    target: Target
    served: Mapping[str, str] | None = None
    admin: Route | None = None
    keyless: str = ""
    own_credential: bool = False
    port_guessed: bool = False
    reached: bool = False
    listed: Sequence[str] = ()
    list_answer: Exchange | None = field(default=None, repr=False)

    @property
    def called(self) -> str:
        """As findings call it."""
        return self.target.called

    def id_of(self, model: str) -> str:
        """What the route calls a model."""
        return self.served.get(model, model) if self.served is not None else model

    @property
    def asks(self) -> bool:
        """Whether calls can be made."""
        return self.reached and not self.keyless


def route_to(name: str, endpoint: Endpoint) -> Route:
    """A route as a policy would have it, with the caller's key."""
    where = (endpoint.scheme, endpoint.host, endpoint.port, endpoint.base_path)
    return Route(name, *where, credential=None, models=None, provider=ProviderName.ANTHROPIC)
