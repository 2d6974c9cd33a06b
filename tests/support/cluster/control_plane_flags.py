"""How etcd, kube-apiserver and kube-controller-manager are started, whatever else their cluster has."""

from pathlib import Path

from support.cluster.certificates import Authority

Flags = dict[str, object]


def arguments(flags: Flags) -> list[str]:
    """Flags as a command line has them."""
    said = {flag: str(value).lower() if isinstance(value, bool) else value for flag, value in flags.items()}
    return [f"--{flag}={value}" for flag, value in said.items()]


def etcd_flags(folder: Path, port: int, peer_port: int) -> Flags:
    """etcd on loopback, its data below *folder*, which nobody needs after a power cut."""
    client, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer_port}"
    return {
        "name": "e",
        "data-dir": folder / "etcd",
        "unsafe-no-fsync": True,
        "log-level": "warn",
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"e={peer}",
    }


def apiserver_flags(folder: Path, authority: Authority, *, etcd_port: int) -> Flags:
    """An API server that asks everybody who they are; on which address and port is still to be said."""
    certificate, key = authority.server("kube-apiserver")
    return {
        "etcd-servers": f"http://127.0.0.1:{etcd_port}",
        "service-cluster-ip-range": "10.96.0.0/16",
        "client-ca-file": authority.certificate,
        "tls-cert-file": certificate,
        "tls-private-key-file": key,
        "cert-dir": folder,
        "authorization-mode": "Node,RBAC",
        # The usual ones are on too: PodSecurity, LimitRanger, ResourceQuota, ServiceAccount, webhooks.
        "enable-admission-plugins": "NodeRestriction",
        "allow-privileged": True,
        "profiling": False,
        "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
        "service-account-key-file": folder / "sa.key",
        "service-account-signing-key-file": folder / "sa.key",
    }


def controller_flags(folder: Path, authority: Authority, kubeconfig: Path) -> Flags:
    """The controllers, the only ones of their cluster."""
    return {
        "kubeconfig": kubeconfig,
        "use-service-account-credentials": True,
        "service-account-private-key-file": folder / "sa.key",
        "root-ca-file": authority.certificate,
        "cluster-signing-cert-file": authority.certificate,
        "cluster-signing-key-file": authority.key,
        "leader-elect": False,
        "allocate-node-cidrs": False,
        # With its usual 20 requests a second it takes 4 s to make its own accounts.
        "kube-api-qps": 300,
        "kube-api-burst": 600,
    }
