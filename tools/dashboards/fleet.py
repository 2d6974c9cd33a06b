"""The fleet: what all sidecars' calls came to, by namespace, workload, model, key alias and status."""

from dashboards.fleet_answers import ANSWERS, LIMITS
from dashboards.fleet_calls import OVERVIEW, TROUBLE, WHO
from dashboards.fleet_figures import COST, SIDECARS, TIME
from dashboards.grafana import Dashboard, Variable

FLEET = Dashboard(
    uid="claude-sidecar-fleet",
    title="claude-sidecar: fleet",
    text="What all sidecars' calls came to.",
    variables=(
        Variable("cluster", "claude_sidecar_policy_info", "cluster", "Cluster"),
        Variable("namespace", "claude_sidecar_policy_info", "namespace", "Namespace"),
        Variable("workload", 'claude_sidecar_policy_info{namespace=~"$namespace"}', "workload", "Workload"),
        Variable("model", 'claude_sidecar_requests_total{namespace=~"$namespace"}', "model", "Model"),
        Variable("key", 'claude_sidecar_requests_total{namespace=~"$namespace"}', "key", "Key alias"),
    ),
    rows=(OVERVIEW, WHO, TROUBLE, LIMITS, ANSWERS, TIME, COST, SIDECARS),
)
