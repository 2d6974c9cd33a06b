"""A policy's rollout: which pods run it, what the operator and the webhook do about it."""

from dashboards.grafana import Dashboard, Panel, Query, Row, Variable

POLICY = 'cluster=~"$cluster",policy_namespace=~"$namespace",policy=~"$policy"'
"""Of the operator's metrics, whose own `namespace` is the operator's."""
RUN = 'cluster=~"$cluster",namespace=~"$namespace",policy=~"$policy"'
"""Of the sidecars' metrics that name the policy in force."""
POD = 'cluster=~"$cluster",namespace=~"$namespace"'
ALL = 'cluster=~"$cluster"'
PODS = "claude_operator_policy_pods"
INFO = f"claude_sidecar_policy_info{{{RUN}}}"
REVIEW = "claude_operator_review_seconds_bucket"
EXPIRES = "claude_operator_webhook_certificate_expiry_timestamp_seconds"


def pods(state: str) -> str:
    """Pods of the chosen policies in a state. A standby operator tells none, hence the maximum first."""
    selector = f'{POLICY},state="{state}"'
    return f"sum(max by (cluster, policy_namespace, policy) ({PODS}{{{selector}}}))"


def rate(metric: str, labels: str, selector: str = ALL) -> str:
    """Of a counter, each second, summed by labels."""
    return f"sum by ({labels}) (rate({metric}{{{selector}}}[$__rate_interval]))"


def by_version(metric: str) -> str:
    """Of a counter of the sidecars, by the policy that their pods run.

    A pod that was made again under its name may be seen twice for a moment, hence the maximum.
    """
    counted = f"sum by (cluster, namespace, pod) (rate({metric}[$__rate_interval]))"
    runs = f"max by (cluster, namespace, pod, policy, generation, hash) ({INFO})"
    joined = f"{counted} * on (cluster, namespace, pod) group_left (policy, generation, hash) {runs}"
    return f"sum by (policy, generation, hash) ({joined})"


def stat(title: str, state: str, text: str, colour: str | None = None) -> Panel:
    """How many pods are in a state; colour: of more than none."""
    limits = ((None, "text"),) if colour is None else ((None, "green"), (1.0, colour))
    return Panel(title, (Query(pods(state)),), text=text, kind="stat", width=4, height=4, limits=limits)


NOW = Row(
    "Pods of the policy",
    (
        stat("Pods", "total", "Running pods that mount the policy and whose sidecar has started."),
        stat("Current", "current", "They run the policy as it is."),
        stat("Stale", "stale", "They run an earlier one, or were not asked yet.", "yellow"),
        stat(
            "Restart required", "restart_required", "They lack a Secret that the policy names since.", "red"
        ),
        stat("Unreachable", "unreachable", "They do not answer on port 8788.", "yellow"),
        stat("Outdated", "outdated", "Their sidecar is older than the operator.", "yellow"),
    ),
)

ROLLOUT = Row(
    "Rollout",
    (
        Panel(
            "Pods by the generation and hash that they run",
            (Query(f"count by (policy, generation, hash) ({INFO})", "{{policy}} {{generation}} {{hash}}"),),
            text="As the sidecars tell Prometheus; an edit moves pods from one line to the next.",
            stacked=True,
            width=12,
        ),
        Panel(
            "Pods by state",
            (
                Query(
                    f"sum by (state) (max by (cluster, policy_namespace, policy, state) "
                    f'({PODS}{{{POLICY},state!="total"}}))',
                    "{{state}}",
                ),
            ),
            text="As the operator read it from the sidecars.",
            width=12,
        ),
        Panel(
            "Calls by the policy that they went by",
            (
                Query(
                    by_version(f"claude_sidecar_requests_total{{{POD}}}"),
                    "{{policy}} {{generation}} {{hash}}",
                ),
            ),
            "reqps",
            "Each second.",
            stacked=True,
        ),
        Panel(
            "Errors by the policy that they went by",
            (
                Query(
                    by_version(f'claude_sidecar_requests_total{{{POD},error_type!="none"}}'),
                    "{{policy}} {{generation}} {{hash}}",
                ),
            ),
            "reqps",
            "A line that rises with a new generation speaks against that edit.",
        ),
        Panel(
            "Policies that sidecars refused",
            (
                Query(
                    f"sum by (namespace, workload) (increase(claude_sidecar_policy_errors_total{{{POD}}}"
                    "[$__rate_interval]))",
                    "{{namespace}}/{{workload}}",
                ),
            ),
            text="The last good one stays in force; `lastError` at /status says why.",
        ),
        Panel(
            "Policies whose condition is not True",
            (
                Query(
                    "sum by (type, status) (max by (cluster, type, status) "
                    f'(claude_operator_policies{{{ALL},status!="True"}}))',
                    "{{type}} {{status}}",
                ),
            ),
            text="In all namespaces: kubectl get cpol -A tells which.",
            width=12,
        ),
        Panel(
            "Pods that ask for a sidecar and have none",
            (
                Query(
                    "max by (workload_namespace, why) "
                    f'(claude_operator_pods_without_sidecar{{{ALL},workload_namespace=~"$namespace"}})',
                    "{{workload_namespace}} {{why}}",
                ),
                Query(
                    "max by (workload_namespace) "
                    f'(claude_operator_uncopied_annotations{{{ALL},workload_namespace=~"$namespace"}})',
                    "{{workload_namespace}} workloads without a copy",
                ),
            ),
            text="skipped: the webhook left them alone on purpose, an Event says why. "
            "missing: it was not there. A copy: of the workload's annotation in its pod template.",
            width=12,
        ),
    ),
)

OPERATOR = Row(
    "Operator",
    (
        Panel(
            "Operators that lead",
            (Query(f"sum(claude_operator_leader{{{ALL}}})"),),
            text="One, and none for a moment while another takes over.",
            kind="stat",
            width=4,
            limits=((None, "red"), (1, "green"), (2, "red")),
        ),
        Panel(
            "Decisions that wait",
            (Query(f"max(claude_operator_queue_length{{{ALL}}})", "waiting or under way"),),
            text="Policies and workloads about which something is to be decided.",
            width=5,
        ),
        Panel(
            "The oldest has waited",
            (Query(f"max(claude_operator_queue_oldest_seconds{{{ALL}}})", "oldest"),),
            "s",
            "Seconds, as a rule less than one; minutes mean that it does not get on.",
            width=5,
        ),
        Panel(
            "Decisions",
            (Query(rate("claude_operator_passes_total", "about, result"), "{{about}} {{result}}"),),
            "cps",
            "Carried out, by what they were about and how they ended.",
            width=5,
        ),
        Panel(
            "Time of a decision",
            (Query(f"histogram_quantile(0.99, {rate('claude_operator_pass_seconds_bucket', 'le')})", "p99"),),
            "s",
            "Writes included.",
            width=5,
        ),
        Panel(
            "Writes",
            (Query(rate("claude_operator_writes_total", "what, result"), "{{what}} {{result}}"),),
            "cps",
            "Requests to the API server that change something.",
        ),
        Panel(
            "Sidecars asked",
            (
                Query(rate("claude_operator_sidecar_asks_total", "result"), "{{result}}"),
                Query(f'max(claude_operator_pods{{{ALL},state="silent"}})', "silent pods"),
            ),
            "short",
            "What they run is asked of each sidecar; silent ones did not answer.",
        ),
        Panel(
            "Watch events, blind watches",
            (
                Query(rate("claude_operator_watch_events_total", "kind"), "{{kind}}"),
                Query(f"max(claude_operator_blind_watches{{{ALL}}})", "blind watches"),
            ),
            "short",
            "A watch is blind that does not tell what lists do.",
        ),
    ),
)

WEBHOOK = Row(
    "Webhook",
    (
        Panel(
            "Replicas that are ready",
            (Query(f"sum(claude_operator_webhook_ready{{{ALL}}})"),),
            text="They answer, and API servers trust their certificate.",
            kind="stat",
            width=4,
            limits=((None, "red"), (1, "green")),
        ),
        Panel(
            "Certificate ends in",
            (Query(f"min({EXPIRES}{{{ALL}}} > 0) - time()"),),
            "s",
            "It is renewed when a third of its time is left.",
            "stat",
            4,
            limits=((None, "red"), (604800, "green")),
        ),
        Panel(
            "Reviews by outcome",
            (Query(rate("claude_operator_reviews_total", "outcome"), "{{outcome}}"),),
            "reqps",
            "injected, skipped on purpose, copied, unchanged; unexpected, failed: the pod goes without.",
            stacked=True,
            width=5,
        ),
        Panel(
            "Reviews by kind",
            (Query(rate("claude_operator_reviews_total", "kind"), "{{kind}}"),),
            "reqps",
            "Pods, and workloads whose annotation is copied to their pod template.",
            stacked=True,
            width=5,
        ),
        Panel(
            "Time of a review",
            (
                Query(f"histogram_quantile(0.5, {rate(REVIEW, 'le')})", "p50"),
                Query(f"histogram_quantile(0.99, {rate(REVIEW, 'le')})", "p99"),
            ),
            "s",
            "Creating a pod waits for it.",
            width=6,
        ),
    ),
)

POLICY_ROLLOUT = Dashboard(
    uid="claude-sidecar-policy-rollout",
    title="claude-sidecar: policy rollout",
    text="Which pods run a policy, and what operator and webhook do about it.",
    variables=(
        Variable("cluster", "claude_sidecar_policy_info", "cluster", "Cluster"),
        Variable("namespace", PODS, "policy_namespace", "Namespace"),
        Variable("policy", f'{PODS}{{policy_namespace=~"$namespace"}}', "policy", "Policy"),
    ),
    rows=(NOW, ROLLOUT, OPERATOR, WEBHOOK),
)
