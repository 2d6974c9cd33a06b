"""Panels of the fleet: who calls, what goes wrong, and what is done about it."""

from dashboards.fleet_queries import (
    CALLS,
    ERRORS,
    FIRST_CHUNK,
    GEN_AI,
    MODEL,
    PLACE,
    SENDS,
    SHARE_LIMITS,
    WHOSE,
    by,
    quantile,
    rate,
)
from dashboards.grafana import Panel, Query, Row

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
            (
                Query(
                    "sum(max by (cluster, namespace, workload, route) "
                    f"(claude_sidecar_breaker_state{{{PLACE}}}) == bool 2)"
                ),
            ),
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
