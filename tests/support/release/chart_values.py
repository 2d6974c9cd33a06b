"""Values that the chart is rendered with: each reason why a template looks different is in one of them."""

from typing import Any

USER_NAMESPACES = ["shop", "search"]
MONITORING_API = "monitoring.coreos.com/v1"
CERTIFICATES_API = "cert-manager.io/v1"
FOREIGN = (MONITORING_API, CERTIFICATES_API)
"""APIs whose kinds no cluster of the tests knows."""

PLACED: dict[str, Any] = {
    "podAnnotations": {"team.example/owner": "platform", "number": "1"},
    "podLabels": {"team": "platform"},
    "nodeSelector": {"disk.example/kind": "ssd"},
    "tolerations": [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}],
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "Exists"}]}]
            }
        }
    },
    "priorityClassName": "system-cluster-critical",
    "extraEnv": [{"name": "SSL_CERT_FILE", "value": "/etc/ssl/company.pem"}],
    "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "2Gi"}},
}
EXITS = {
    "otlpEndpoint": "http://$(K8S_HOST_IP):4318",
    "otlpHeaders": {"x-tenant": "shop, 1"},
    "httpsProxy": "http://proxy.example:3128",
    "noProxy": "10.0.0.0/8,.svc",
    "caBundle": {"name": "company-ca", "key": "ca.pem"},
}

DROPPED = [{"sourceLabels": ["__name__"], "regex": "gen_ai_client_.*_bucket", "action": "drop"}]

CASES: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "as little as it can be": {
        "crds": {"install": False},
        "rbac": {"create": False, "aggregateToUserRoles": False},
        "serviceAccounts": {"create": False},
        "secretsAdmissionPolicy": {"create": False},
        "networkPolicies": {"create": False},
        "nudgesPerSecond": 0,
        "helmTest": {"enabled": False},
        "webhook": {"replicas": 1, "excludedNamespaces": []},
        "podSecurityContext": {"seccompProfile": None},
        "sidecar": {"resources": {"cpuLimit": None, "memoryLimit": None}},
    },
    "all at once": {
        "image": {"repository": "registry.example/claude-sidecar", "digest": f"sha256:{'a' * 64}"},
        "imagePullSecrets": ["pull"],
        "allowedHosts": ["api.anthropic.com", "*.gateway.example", "[::1]"],
        "sidecar": {
            "image": {"tag": "0.0.9", "pullPolicy": "Always"},
            "imagePullSecrets": ["pull"],
            "resources": {
                "cpuRequest": 1,
                "cpuLimit": "2",
                "memoryRequest": "1Gi",
                "memoryLimit": "2Gi",
                "guaranteedCpu": "1",
                "ephemeralStorageRequest": "1Gi",
                "ephemeralStorageLimit": "2Ti",
            },
            "bounds": {"cpuMin": "20m", "cpuMax": 8, "memoryMin": 1048576, "memoryMax": "8Gi"},
            "uid": 1000860000,
            "tmpMiB": 1048576,
            "exits": EXITS,
            "namespaces": {"shop": {"otlpEndpoint": None}, "404": {"httpsProxy": None}},
        },
        "reconcile": PLACED | {"logLevel": "debug", "asksPerSecond": 10000, "askEverySeconds": 0.5},
        "webhook": PLACED
        | {"logLevel": "warning", "replicas": 3, "port": 9443, "hostNetwork": True, "timeoutSeconds": 30},
        "nudgesPerSecond": 0.5,
        "serviceAccounts": {"annotations": {"cloud.example/role": "claude"}},
        "networkPolicies": {
            "userNamespaces": USER_NAMESPACES,
            "metricsFrom": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}],
        },
        "monitoring": {
            "podMonitors": {
                "create": True,
                "labels": {"release": "prometheus"},
                "interval": "30s",
                "metricRelabelings": DROPPED,
            },
            "alerts": {
                "create": True,
                "labels": {"release": "prometheus"},
                "runbookUrl": "https://wiki.example/runbook",
            },
            "dashboards": {
                "create": True,
                "labels": {"dashboards": "1"},
                "annotations": {"folder": "Claude"},
            },
        },
        "helmTest": {"namespace": "elsewhere-claude-sidecar-test", "createNamespace": False},
        "global": {"anything": {"of": "the chart above"}},
    },
    "a certificate of cert-manager": {
        "webhook": {"certificate": {"mode": "CertManager"}},
        "image": {"tag": "0.1.0-rc.1", "pullPolicy": "Always"},
        "sidecar": {
            "image": {"repository": "registry.example/claude-sidecar", "digest": f"sha256:{'b' * 64}"},
            "exits": {"otlpHeadersSecret": {"name": "tenant", "key": "otlp"}},
        },
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
    },
    "a certificate of cert-manager by an issuer": {
        "webhook": {
            "certificate": {
                "mode": "CertManager",
                "secretName": "hook",
                "issuerRef": {"kind": "ClusterIssuer", "name": "company"},
            }
        }
    },
    "a certificate that is given": {
        "webhook": {"certificate": {"mode": "Given", "secretName": "hook", "caBundle": "Zm9v"}}
    },
}
FLAGS = tuple(f"--api-versions={api}" for api in FOREIGN)
