"""Panels of the fleet: who calls, what goes wrong, and what is done about it."""

from dashboards.fleet_queries import (
    CALLS,
    ERRORS,
    FAILED,
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
        Panel(
            "Calls",
            (Query(f"sum({CALLS})"),),
            "reqps",
            "Calls that ended, of the apps: repeats are not counted.",
            "stat",
            4,
            4,
        ),
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
            "Streams: one in twenty begins later than this.",
            "stat",
            4,
            4,
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
            "short",
            "Routes that a workload's sidecars leave alone for now, for at least one model.",
            "stat",
            4,
            4,
            limits=((None, "green"), (1, "red")),
        ),
    ),
)

WHO = Row(
    "Who calls",
    (
        Panel(
            "Calls by namespace",
            (Query(by("namespace", CALLS), "{{namespace}}"),),
            "reqps",
            "Each second.",
            stacked=True,
        ),
        Panel(
            "Calls by workload",
            (Query(by("namespace, workload", CALLS), "{{namespace}}/{{workload}}"),),
            "reqps",
            "A workload is what was deployed: a Deployment, StatefulSet, Job or CronJob.",
            stacked=True,
        ),
        Panel(
            "Calls by model",
            (Query(by("model", CALLS), "{{model}}"),),
            "reqps",
            "By the name that the app asked for. _other: names that are no model's, or too many.",
            stacked=True,
        ),
        Panel(
            "Calls by key",
            (Query(by("key", CALLS), "{{key}}"),),
            "reqps",
            "A key is shown by its alias, the first 8 hex digits of its SHA-256.",
            stacked=True,
        ),
        Panel(
            "Calls by status",
            (Query(by("status", CALLS), "{{status}}"),),
            "reqps",
            "As delivered; none: the app went away first. A 200 may still hold an error event, or a refusal.",
            stacked=True,
        ),
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
            "Errors by key",
            (Query(by("key, status", ERRORS), "{{key}} {{status}}"),),
            "reqps",
            "Which key's calls fail, and with what: 401 and 403 are the key's own, 429 its account's.",
            stacked=True,
        ),
        Panel(
            "Errors by feature",
            (
                Query(
                    by("feature, status", rate("claude_sidecar_feature_requests_total", MODEL, FAILED)),
                    "{{feature}} {{status}}",
                ),
            ),
            "reqps",
            "Which part of the app makes the 429s, or the 400s.",
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
            "short",
            "By who called and what they got; sort by a column.",
            "table",
            24,
            9,
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
            "The caller's own mistakes included.",
        ),
        Panel(
            "Errors that apps got",
            (Query(by("status, error_type", ERRORS), "{{status}} {{error_type}}"),),
            "reqps",
            "What repeats and other routes did not cure. docs/errors.md has a section for each status.",
            stacked=True,
        ),
        Panel(
            "Failed sends by route and model",
            (
                Query(
                    by(
                        "route, model, cause",
                        rate("claude_sidecar_attempts_total", MODEL, 'cause!~"none|InvalidRequest|NotFound"'),
                    ),
                    "{{route}} {{model}}: {{cause}}",
                ),
            ),
            "reqps",
            "One model's trouble, or the whole route's? Cured ones count, too.",
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
            "Calls that the next route took over, and why: your real availability, before the cure.",
            stacked=True,
        ),
        Panel(
            "Waits, p95",
            (Query(quantile(0.95, "reason", "claude_sidecar_wait_seconds", PLACE), "{{reason}}"),),
            "s",
            "Pauses before repeats: what the upstream asked for, backoff, or a turn in the retry budget.",
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
