"""Connections: each address family, the egress proxy, TLS and who vouches for the other side."""

from collections.abc import Sequence

from claude_sidecar.doctor.check import Check, CheckId, Result
from claude_sidecar.doctor.observed import Certificate, DialFacts, FamilyFacts

_TRUST = (
    "if this network inspects TLS, get its CA certificate and name it in SSL_CERT_FILE (Node: "
    "NODE_EXTRA_CA_CERTS); else the host is not who it says: do not send it a key"
)


def connect_check(target: str, families: Sequence[FamilyFacts], dial: DialFacts) -> Check:
    """Whether a connection stands, TLS apart."""
    if dial.failed_at == "proxy":
        fix = "let the egress proxy allow CONNECT to this host and port, and give it the credential it wants"
        return Check(CheckId.CONNECT, target, Result.FAULT, f"{dial.told}.", fix)
    if dial.failed_at in ("dns", "connect"):
        fix = (
            "look at firewalls and NetworkPolicies on the way; behind a corporate proxy set HTTPS_PROXY"
            if dial.proxy is None
            else "look at HTTPS_PROXY and whether that proxy runs"
        )
        return Check(CheckId.CONNECT, target, Result.FAULT, f"{dial.told}.", fix)
    finding = (
        " and ".join(f"{one.family} connects" for one in families if not one.trouble) or "a connection stands"
    )
    for one in families:
        if one.trouble:
            finding += f"; {one.family} at {one.ip} does not ({one.trouble}), which costs slow clients a wait"
    through = f" through {dial.proxy}" if dial.proxy is not None else ""
    return Check(CheckId.CONNECT, target, Result.OK, f"{finding}{through}.")


def tls_check(target: str, dial: DialFacts, now_s: float) -> Check:
    """Whether the other side proves who it is; now_s: seconds since 1970, here."""
    if not dial.secure:
        finding = "http:// has none: fit for this machine, or for a mesh that encrypts the way."
        return Check(CheckId.TLS, target, Result.SKIPPED, finding)
    if dial.failed_at is None:
        shown = dial.certificate
        vouched = f", vouched for by {shown.issuer}" if shown is not None and shown.issuer else ""
        return Check(CheckId.TLS, target, Result.OK, f"the certificate is good{vouched}.")
    said = dial.told.partition("; ")[0].rstrip(".")  # what to look at is said below, with the certificate
    finding, fix = _tls_fault(dial.certificate, said.lower(), now_s)
    return Check(CheckId.TLS, target, Result.FAULT, f"{said}: {finding}.", fix)


def _tls_fault(shown: Certificate | None, told: str, now_s: float) -> tuple[str, str]:
    if shown is not None and not shown.not_before_s <= now_s <= shown.not_after_s:
        if now_s > shown.not_after_s:
            return "the certificate has ended, or this clock is ahead", "renew it, or set the clock right"
        return "the certificate is not valid yet, or this clock is behind", "set this machine's clock right"
    if "mismatch" in told:
        name = f"; the certificate is {shown.subject}'s" if shown is not None and shown.subject else ""
        return (
            f"another host answers{name}",
            "correct the host of the base URL; else a proxy or load balancer on the way has the wrong name",
        )
    if "wrong_version_number" in told or "record_layer" in told:
        return (
            "what answers speaks no TLS",
            "write http:// for a loopback endpoint, or name the port that speaks TLS",
        )
    if "self-signed" in told or "issuer" in told or "verify" in told:
        return f"nobody trusted here vouches for it{_who(shown)}", _TRUST
    return "TLS was broken off on the way", "a firewall that looks into TLS, or an old TLS version: ask there"


def _who(shown: Certificate | None) -> str:
    return (
        f", {shown.issuer} does: TLS is intercepted, or the endpoint has a private CA"
        if shown and shown.issuer
        else ""
    )
