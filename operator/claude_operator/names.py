"""Every group, label, annotation and name that users, the webhook and the reconciler share."""

GROUP = "claude-sidecar.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "ClaudePolicy"
PLURAL = "claudepolicies"
SINGULAR = "claudepolicy"
SHORT_NAME = "cpol"

POLICY = f"{GROUP}/policy"
"""Annotation on a workload, its template or a pod; as a label on a namespace: the default for its pods."""
POLICY_FROM = f"{GROUP}/policy-from"
"""Annotation on a template: `workload` marks a copy of the workload's own annotation."""
FROM_WORKLOAD = "workload"
INJECT_FROM = f"{GROUP}/inject-from"
"""Annotation on a template: `workload` marks a copy of the workload's own `inject: "false"`."""
INJECT = f"{GROUP}/inject"
"""Annotation or label: `"false"` beats everything."""
CONTAINERS = f"{GROUP}/containers"
"""Annotation: which containers get ANTHROPIC_BASE_URL."""
STATUS = f"{GROUP}/status"
"""Annotation on a pod: `injected` or `skipped: REASON`."""
WARNINGS = f"{GROUP}/warnings"
"""Annotation on a pod: what the webhook warned of, a line each; who makes pods is not told otherwise."""
NUDGE = f"{GROUP}/nudge"
"""Annotation on a pod: touched so that the kubelet syncs its volumes at once."""

CPU_REQUEST = f"{GROUP}/cpu-request"
CPU_LIMIT = f"{GROUP}/cpu-limit"
MEMORY_REQUEST = f"{GROUP}/memory-request"
MEMORY_LIMIT = f"{GROUP}/memory-limit"
"""Annotations on a template or pod: the sidecar's resources, within bounds."""

POLICY_UID = f"{GROUP}/policy-uid"
"""Label on a ConfigMap of ours: the UID of the policy that it was made for."""
POLICY_NAME = f"{GROUP}/policy-name"
MANAGED_BY = "app.kubernetes.io/managed-by"
OPERATOR = "claude-operator"

CONTAINER = "claude-sidecar"
CONFIGMAP_PREFIX = "claude-policy-"
POLICY_KEY = "policy.yaml"
"""The key in the ConfigMap, and the file's name in the sidecar."""
DEFAULT_SECRET = "claude-keys"  # noqa: S105 - the name of a Secret
PLACEHOLDER_KEY = "provided-by-claude-sidecar"
INJECTED_VARIABLE = "CLAUDE_SIDECAR_INJECTED"
"""`true` tells the sidecar that it was injected: the policy may come later, newer fields are no error."""
ALLOWED_HOSTS_VARIABLE = "CLAUDE_SIDECAR_ALLOWED_HOSTS"
"""Hosts, comma-separated, that routes may lead to, whatever the policy file says."""
SPOOL_LIMIT_VARIABLE = "CLAUDE_SIDECAR_SPOOL_LIMIT_MIB"
"""Room for spooled bodies at /tmp: a policy that says more must not get the pod evicted."""
PORT = 8787
ADMIN_PORT = 8788
POLICY_NAME_LONGEST = 63


def configmap_name(policy: str) -> str:
    """The ConfigMap of a policy."""
    return f"{CONFIGMAP_PREFIX}{policy}"
