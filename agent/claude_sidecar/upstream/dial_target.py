"""Where one dial goes, how far it has come, and how its failure is told."""

from dataclasses import dataclass

from claude_sidecar.config.proxy_url import EgressProxy
from claude_sidecar.schema.snapshot import Route
from claude_sidecar.upstream.address import Address
from claude_sidecar.upstream.failure import Phase
from claude_sidecar.upstream.resolver import Told, Verdict

_ADDRESSES_SHOWN = 4
_PROXY_SETTING = "HTTPS_PROXY"


@dataclass(slots=True)
class DialTarget:
    """The route's host, or that of the egress proxy on the way to it.

    called: how errors call it; setting: where its name comes from; authority: the route's; tried: addresses
    so far; connected: the one that took us.
    """

    host: str
    port: int
    called: str
    setting: str
    authority: str
    phase: Phase = Phase.DNS
    tried: tuple[Address, ...] = ()
    connected: Address | None = None

    @classmethod
    def of(cls, route: Route, proxy: EgressProxy | None) -> "DialTarget":
        """What has to be connected to first on the way to a route."""
        if proxy is None:
            return cls(route.host, route.port, route.authority, "the route's endpoint", route.authority)
        return cls(proxy.host, proxy.port, proxy.called, _PROXY_SETTING, route.authority)

    @property
    def blamed(self) -> tuple[Address, ...]:
        """The addresses that did not do: the one that took us and led no further, else all."""
        return (self.connected,) if self.connected is not None else self.tried

    def unknown(self, told: Told) -> str:
        """For a name without addresses."""
        check = "the name server" if told.verdict is Verdict.NO_ANSWER else self.setting
        return f"{self._name} does not resolve: {told.reason}; check {check}"

    def too_late(self, timeout_s: float) -> str:
        """For a dial that did not come to its end in time."""
        within = f"within {timeout_s:.3g} s"
        match self.phase:
            case Phase.DNS:
                return f"{self._name} was not resolved {within}; check the name server"
            case Phase.PROXY:
                return f"{self.called} gave no way to {self.authority} {within}"
            case Phase.TLS:
                return f"TLS with {self.authority}{self._through} was not set up {within}"
            case _:
                return f"no connection to {self.called}{self._at} {within}"

    def broken(self, reason: str) -> str:
        """For a dial that the network ended."""
        if self.phase is Phase.CONNECT:
            return f"no connection to {self.called}{self._at}: {reason}{self._check}"
        if self.phase is Phase.TLS:
            return f"the connection{self._through} broke during TLS with {self.authority}: {reason}"
        return f"the connection to {self.called}{self._at} broke: {reason}"

    def untrusted(self, reason: str) -> str:
        """For TLS that could not be agreed on, or a certificate that is not trusted."""
        return f"TLS with {self.authority}{self._through} failed: {reason}"

    @property
    def _proxied(self) -> bool:
        return self.setting == _PROXY_SETTING

    @property
    def _through(self) -> str:
        return f" through {self.called}" if self._proxied else ""

    @property
    def _check(self) -> str:
        return f"; check {self.setting}" if self._proxied else ""

    @property
    def _name(self) -> str:
        return f"the name {self.host}" + (f" of {self.called}" if self._proxied else "")

    @property
    def _at(self) -> str:
        """The addresses behind the name."""
        named = [address.ip for address in self.tried if address.ip != self.host]
        if not named:
            return ""
        more = f" and {len(named) - _ADDRESSES_SHOWN} more" if len(named) > _ADDRESSES_SHOWN else ""
        return f" at {', '.join(named[:_ADDRESSES_SHOWN])}{more}"
