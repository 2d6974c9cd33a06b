"""Panels of the fleet: times, tokens, cost, and the sidecars themselves."""

from dashboards.fleet_queries import (
    ADDED,
    DURATION,
    FIRST_CHUNK,
    GEN_AI,
    MODEL,
    OWN,
    PLACE,
    WHOSE,
    by,
    quantile,
    rate,
)
from dashboards.grafana import Panel, Query, Row

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
            "Tokens by key",
            (Query(by("key", rate("claude_sidecar_tokens_total", WHOSE)), "{{key}}"),),
            text="Each second, all kinds, under the key that was sent, which is billed.",
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
            "At this pace and the policies' prices, discarded sends included; empty where they name none.",
            stacked=True,
        ),
        Panel(
            "Cost in this time",
            (Query(by("model, key", f"increase(claude_sidecar_cost_usd_total{{{WHOSE}}}[$__range])")),),
            "currencyUSD",
            "By model and key, discarded sends included.",
            "table",
            12,
            decimals=2,
        ),
        Panel(
            "Usage without a price",
            (
                Query(
                    by("model, kind", rate("claude_sidecar_unpriced_usage_total", MODEL)),
                    "{{model}} {{kind}}",
                ),
            ),
            text="Each second: what the policies' prices leave out, and the cost is short of.",
            width=12,
        ),
    ),
)

SIDECARS = Row(
    "The sidecars",
    (
        Panel(
            "Calls in flight",
            (Query(by("namespace", f"claude_sidecar_requests_in_flight{{{PLACE}}}"), "{{namespace}}"),),
            text="Calls that have begun and not ended.",
            stacked=True,
        ),
        Panel(
            "Memory",
            (
                Query(f"max(process_resident_memory_bytes{{{OWN}}})", "largest"),
                Query(f"avg(process_resident_memory_bytes{{{OWN}}})", "mean"),
            ),
            "bytes",
            "Of a sidecar's process; bodies that are kept for repeats are part of it.",
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
            "A gateway behind the route substitutes models without a word; none is the right number.",
        ),
        Panel(
            "Policies refused, records not told",
            (
                Query(f"sum({rate('claude_sidecar_policy_errors_total', PLACE)})", "policies refused"),
                Query(f"sum({rate('claude_sidecar_telemetry_errors_total', PLACE)})", "records not told"),
            ),
            "cps",
            "A policy that is refused leaves the last good one in force. A record not told is a bug here.",
        ),
    ),
)
