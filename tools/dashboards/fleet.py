"""The fleet: what all sidecars' calls came to, by namespace, workload, model, key alias and status."""

from dashboards.grafana import Dashboard, Panel, Query, Row, Variable

PLACE = 'cluster=~"$cluster",namespace=~"$namespace",workload=~"$workload"'
WHOSE = f'{PLACE},model=~"$model",key=~"$key"'
MODEL = f'{PLACE},model=~"$model"'
GEN_AI = f'{PLACE},gen_ai_request_model=~"$model"'
FAILED = 'error_type!="none"'
OWN = f'{PLACE},container="claude-sidecar"'
"""Of the process: other exporters have metrics of these names, too."""


def rate(metric: str, *selectors: str) -> str:
    """Of a counter, each second."""
    return f"rate({metric}{{{','.join(selectors)}}}[$__rate_interval])"


def by(labels: str, inner: str) -> str:
    """The sum by labels."""
    return f"sum by ({labels}) ({inner})"


def quantile(share: float, labels: str, metric: str, selector: str) -> str:
    """Of a histogram, by labels."""
    buckets = rate(f"{metric}_bucket", selector)
    return f"histogram_quantile({share}, {by(f'{labels}, le' if labels else 'le', buckets)})"


CALLS = rate("claude_sidecar_requests_total", WHOSE)
ERRORS = rate("claude_sidecar_requests_total", WHOSE, FAILED)
SENDS = rate("claude_sidecar_attempts_total", MODEL)
FIRST_CHUNK = "gen_ai_client_operation_time_to_first_chunk_seconds"
DURATION = "gen_ai_client_operation_duration_seconds"
ADDED = "claude_sidecar_added_latency_seconds"
SHARE_LIMITS = ((None, "green"), (0.01, "yellow"), (0.05, "red"))

OVERVIEW = Row(
    "Now",
    (
        Panel("Calls", (Query(f"sum({CALLS})"),), "reqps", kind="stat", width=4, height=4),
        Panel(
            "Share of errors",
            (Query(f"(sum({ERRORS}) or vector(0)) / sum({CALLS})"),),
            "percentunit",
            "Calls that ended with an error or a broken stream, the caller's own mistakes included.",
            "stat",
            4,
            4,
            limits=SHARE_LIMITS,
            decimals=2,
        ),
        Panel(
            "Sends for each call",
            (Query(f"sum({SENDS}) / sum({rate('claude_sidecar_requests_total', MODEL)})"),),
            "short",
            "1 means that nothing was repeated.",
            "stat",
            4,
            4,
            limits=((None, "green"), (1.2, "yellow"), (2, "red")),
            decimals=2,
        ),
        Panel(
            "Time to first chunk, p95",
            (Query(quantile(0.95, "", FIRST_CHUNK, GEN_AI)),),
            "s",
            kind="stat",
            width=4,
            height=4,
        ),
        Panel(
            "Cost in an hour, at this pace",
            (Query(f"sum({rate('claude_sidecar_cost_usd_total', WHOSE)}) * 3600"),),
            "currencyUSD",
            "At the policies' prices; empty where they name none.",
            "stat",
            4,
            4,
        ),
        Panel(
            "Routes with an open circuit",
            (Query(f"sum(claude_sidecar_breaker_state{{{PLACE}}} == bool 2)"),),
            kind="stat",
            width=4,
            height=4,
            limits=((None, "green"), (1, "red")),
        ),
    ),
)

WHO = Row(
    "Who calls",
    (
        Panel("Calls by namespace", (Query(by("namespace", CALLS), "{{namespace}}"),), "reqps", stacked=True),
        Panel(
            "Calls by workload",
            (Query(by("namespace, workload", CALLS), "{{namespace}}/{{workload}}"),),
            "reqps",
            stacked=True,
        ),
        Panel("Calls by model", (Query(by("model", CALLS), "{{model}}"),), "reqps", stacked=True),
        Panel(
            "Calls by key",
            (Query(by("key", CALLS), "{{key}}"),),
            "reqps",
            "A key is shown by its alias, the first 8 hex digits of its SHA-256.",
            stacked=True,
        ),
        Panel("Calls by status", (Query(by("status", CALLS), "{{status}}"),), "reqps", stacked=True),
        Panel(
            "Calls by feature",
            (
                Query(
                    by("feature", rate("claude_sidecar_feature_requests_total", MODEL)),
                    "{{feature}}",
                ),
            ),
            "reqps",
            "Of calls that name theirs in the policy's featureHeader.",
            stacked=True,
        ),
        Panel(
            "Calls in this time",
            (
                Query(
                    by(
                        "namespace, workload, model, key, status",
                        f"increase(claude_sidecar_requests_total{{{WHOSE}}}[$__range])",
                    )
                ),
            ),
            kind="table",
            width=24,
            height=9,
            decimals=0,
        ),
    ),
)

TROUBLE = Row(
    "What goes wrong, and what is done about it",
    (
        Panel(
            "Share of errors by workload",
            (
                Query(
                    f"{by('namespace, workload', ERRORS)} / {by('namespace, workload', CALLS)}",
                    "{{namespace}}/{{workload}}",
                ),
            ),
            "percentunit",
        ),
        Panel(
            "Errors that apps got",
            (Query(by("status, error_type", ERRORS), "{{status}} {{error_type}}"),),
            "reqps",
            stacked=True,
        ),
        Panel(
            "Failed sends by cause",
            (Query(by("cause", rate("claude_sidecar_attempts_total", MODEL, 'cause!="none"')), "{{cause}}"),),
            "reqps",
            "Cured ones, too.",
            stacked=True,
        ),
        Panel(
            "Limits hit",
            (
                Query(
                    by("limit, key", rate("claude_sidecar_limits_hit_total", WHOSE)),
                    "{{limit}} of key {{key}}",
                ),
            ),
            "reqps",
            "Answers 429: requests is RPM, input-tokens ITPM, output-tokens OTPM.",
            stacked=True,
        ),
        Panel(
            "Least left of a limit",
            (
                Query(
                    f"min by (route, limit) (claude_sidecar_ratelimit_remaining{{{PLACE}}})",
                    "{{route}} {{limit}}",
                ),
            ),
            text="What the last answers left, over all pods.",
        ),
        Panel(
            "Repeats",
            (Query(by("outcome", rate("claude_sidecar_retries_total", PLACE)), "{{outcome}}"),),
            "reqps",
            "sent: sends after a call's first; won, exhausted, refused by the budget: what became of calls.",
        ),
        Panel(
            "Moves to another route",
            (
                Query(
                    by("from, to, cause", rate("claude_sidecar_fallbacks_total", PLACE)),
                    "{{from}} to {{to}}: {{cause}}",
                ),
            ),
            "reqps",
            stacked=True,
        ),
        Panel(
            "Waits, p95",
            (Query(quantile(0.95, "reason", "claude_sidecar_wait_seconds", PLACE), "{{reason}}"),),
            "s",
        ),
        Panel(
            "Circuits",
            (
                Query(
                    f"max by (namespace, workload, route) (claude_sidecar_breaker_state{{{PLACE}}})",
                    "{{namespace}}/{{workload}} {{route}}",
                ),
            ),
            text="The worst of all pods and models.",
            names={0: "closed", 1: "half-open", 2: "open"},
        ),
    ),
)

TIME = Row(
    "How long it takes",
    (
        Panel(
            "Time to first chunk by model",
            (
                Query(
                    quantile(0.5, "gen_ai_request_model", FIRST_CHUNK, GEN_AI), "{{gen_ai_request_model}} p50"
                ),
                Query(
                    quantile(0.95, "gen_ai_request_model", FIRST_CHUNK, GEN_AI),
                    "{{gen_ai_request_model}} p95",
                ),
            ),
            "s",
            "Streams: from the app's call to the first chunk that it got.",
        ),
        Panel(
            "Duration of calls by model",
            (
                Query(
                    quantile(0.5, "gen_ai_request_model", DURATION, GEN_AI), "{{gen_ai_request_model}} p50"
                ),
                Query(
                    quantile(0.95, "gen_ai_request_model", DURATION, GEN_AI), "{{gen_ai_request_model}} p95"
                ),
            ),
            "s",
            "Waits and repeats included.",
        ),
        Panel(
            "Added by the sidecar",
            (
                Query(quantile(0.5, "", ADDED, PLACE), "p50"),
                Query(quantile(0.99, "", ADDED, PLACE), "p99"),
            ),
            "s",
            "Time of a call that no send was under way; waits count.",
        ),
    ),
)

COST = Row(
    "Tokens and cost",
    (
        Panel(
            "Tokens by kind",
            (Query(by("kind", rate("claude_sidecar_tokens_total", WHOSE)), "{{kind}}"),),
            text="Each second, of every send, discarded ones too: they are billed. input is without cache.",
            stacked=True,
        ),
        Panel(
            "Tokens by model",
            (Query(by("model", rate("claude_sidecar_tokens_total", WHOSE)), "{{model}}"),),
            text="Each second, all kinds.",
            stacked=True,
        ),
        Panel(
            "Cost in an hour by model and key",
            (
                Query(
                    f"{by('model, key', rate('claude_sidecar_cost_usd_total', WHOSE))} * 3600",
                    "{{model}} {{key}}",
                ),
            ),
            "currencyUSD",
            stacked=True,
        ),
    ),
)

SIDECARS = Row(
    "The sidecars",
    (
        Panel(
            "Calls in flight",
            (Query(by("namespace", f"claude_sidecar_requests_in_flight{{{PLACE}}}"), "{{namespace}}"),),
            stacked=True,
        ),
        Panel(
            "Memory",
            (
                Query(f"max(process_resident_memory_bytes{{{OWN}}})", "largest"),
                Query(f"avg(process_resident_memory_bytes{{{OWN}}})", "mean"),
            ),
            "bytes",
        ),
        Panel(
            "Processor",
            (
                Query(f"max({rate('process_cpu_seconds_total', OWN)})", "busiest"),
                Query(f"avg({rate('process_cpu_seconds_total', OWN)})", "mean"),
            ),
            "percentunit",
            "Share of one core.",
        ),
        Panel(
            "Traces that are not exported",
            (
                Query(f"sum({rate('claude_sidecar_traces_dropped_total', PLACE)})", "dropped"),
                Query(f"sum({rate('claude_sidecar_trace_export_failures_total', PLACE)})", "batches refused"),
            ),
            "cps",
            "Dropped: over the policy's rate, or the queue was full.",
        ),
        Panel(
            "Answers of another model",
            (
                Query(
                    by("route, model", rate("claude_sidecar_model_mismatches_total", MODEL)),
                    "{{route}}: {{model}} was meant",
                ),
            ),
            "reqps",
        ),
        Panel(
            "Policies refused, records not told",
            (
                Query(f"sum({rate('claude_sidecar_policy_errors_total', PLACE)})", "policies refused"),
                Query(f"sum({rate('claude_sidecar_telemetry_errors_total', PLACE)})", "records not told"),
            ),
            "cps",
        ),
    ),
)

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
    rows=(OVERVIEW, WHO, TROUBLE, TIME, COST, SIDECARS),
)
