"""What whoever installs the operator decides about the reconciling process."""

from dataclasses import dataclass
from pathlib import Path

from claude_operator.reconcile.certificates import CertificateOptions


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of `claude-operator reconcile`.

    kubeconfig: None where the pod's own account is used. namespace: the operator's own, where its Lease is.
    identity: who holds the Lease. port: for probes and metrics. asks_per_second, nudges_per_second: 0 turns
    these off. ask_every_s: how often a sidecar that runs its policy is asked again. resync_s: how often what
    watches told is compared with lists. watch_silence_s: a watch that is silent for so long is opened anew.
    lease_s: how long a Lease is good for after its renewal. excluded_namespaces: where the webhook's
    configuration lets nothing be injected. certificates: of the webhook; None where others
    make them.
    """

    kubeconfig: Path | None
    namespace: str
    identity: str
    port: int = 8080
    asks_per_second: float = 200.0
    ask_every_s: float = 120.0
    nudges_per_second: float = 20.0
    resync_s: float = 120.0
    watch_silence_s: float = 90.0
    lease_s: float = 15.0
    excluded_namespaces: frozenset[str] = frozenset()
    certificates: CertificateOptions | None = None
