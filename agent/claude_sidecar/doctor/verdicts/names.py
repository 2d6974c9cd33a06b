"""A host's name: whether it resolves, to what, and what it costs."""

import ipaddress

from claude_sidecar.doctor.check import Check, CheckId, Result
from claude_sidecar.doctor.observed import NameFacts

_PUBLIC = ("anthropic.com", "claude.com")


def names_check(target: str, facts: NameFacts, *, of_proxy: bool) -> Check:
    """target: the route or host that is looked at; of_proxy: the egress proxy's name is asked for here, and
    the proxy asks for the target's."""
    if facts.figures:
        whose = "the egress proxy's host " if of_proxy else ""
        finding = f"{whose}{facts.host} is an address; no name is looked up."
        return Check(CheckId.DNS, target, Result.OK, finding)
    if not facts.found:
        return _not_found(target, facts)
    hole = [ip for ip in (*facts.ipv4, *facts.ipv6) if _is_hole(facts.host, ip)]
    if hole:
        return Check(
            CheckId.DNS,
            target,
            Result.FAULT,
            f"{facts.host} resolves to {hole[0]}, where no API is: a block list or a hosts file leads it "
            "into the void.",
            "allow the name in the DNS filter, or take the line out of /etc/hosts",
        )
    return Check(CheckId.DNS, target, Result.OK, f"{facts.host} {_addresses(facts)}.{_cost(facts)}")


def _not_found(target: str, facts: NameFacts) -> Check:
    if facts.silent:
        finding = f"no name server answers for {facts.host}"
        fix = "look at the name servers of /etc/resolv.conf and at NetworkPolicies for port 53 (UDP and TCP)"
    else:
        finding = f"{facts.host} does not resolve: {facts.reason or 'no address'}"
        fix = "correct the host's spelling; inside a private network, ask for a forwarder to public DNS"
    return Check(CheckId.DNS, target, Result.FAULT, f"{finding}.", fix)


def _is_hole(host: str, ip: str) -> bool:
    address = ipaddress.ip_address(ip.partition("%")[0])
    public = any(host == name or host.endswith(f".{name}") for name in _PUBLIC)
    return address.is_unspecified or (public and address.is_loopback)


def _addresses(facts: NameFacts) -> str:
    families = [
        f"{len(found)} {name} {'address' if len(found) == 1 else 'addresses'}"
        for name, found in (("IPv4", facts.ipv4), ("IPv6", facts.ipv6))
        if found
    ]
    where = " in /etc/hosts" if facts.in_hosts_file else ""
    return f"has {' and '.join(families)}{where}"


def _cost(facts: NameFacts) -> str:
    """What an app's own look-up costs more (resolv.conf(5), ndots); the sidecar asks for the name itself."""
    if facts.by_search_only:
        return " It is found by the search list only, so not from every namespace."
    if facts.in_hosts_file or not facts.search or facts.host.count(".") >= facts.ndots:
        return ""
    return (
        f" ndots:{facts.ndots} makes apps ask for {len(facts.search)} other names first "
        f"(dnsConfig.options ndots 1 spares that); the sidecar does not."
    )
