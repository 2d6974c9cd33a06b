"""Panels of the fleet: how near limits are, what 200s hold, and clients that do not listen."""

from dashboards.fleet_queries import MODEL, PLACE, WHOSE, by, rate
from dashboards.grafana import Panel, Query, Row

STOPPED = "claude_sidecar_stop_reasons_total"
CUT_SHORT = 'stop_reason=~"max_tokens|model_context_window_exceeded"'
REFUSED = 'stop_reason="refusal"'


def share(which: str) -> str:
    """Of all answers of a model, those of a stop reason."""
    return f"{by('model', rate(STOPPED, WHOSE, which))} / {by('model', rate(STOPPED, WHOSE))}"


LIMITS = Row(
    "Limits",
    (
        Panel(
            "Least share left of a limit",
            (
                Query(
                    f"min by (route, model, limit) (claude_sidecar_ratelimit_left_ratio{{{MODEL}}})",
                    "{{route}} {{model}}: {{limit}}",
                ),
            ),
            "percentunit",
            "How near a 429 is, by the last answer for each model. Models of one group share a limit.",
        ),
        Panel(
            "Least left of a limit",
            (
                Query(
                    f"min by (route, limit) (claude_sidecar_ratelimit_remaining{{{PLACE}}})",
                    "{{route}} {{limit}}",
                ),
            ),
            text="What the last answers left, over all pods: requests or tokens.",
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
            "Answers 429, cured ones too: requests is RPM, input-tokens ITPM, output-tokens OTPM.",
            stacked=True,
        ),
    ),
)

ANSWERS = Row(
    "Answers and callers",
    (
        Panel(
            "Answers by stop reason",
            (Query(by("stop_reason", rate(STOPPED, WHOSE)), "{{stop_reason}}"),),
            "reqps",
            "What a 200 held: max_tokens is cut short, refusal is the model's no.",
            stacked=True,
        ),
        Panel(
            "Share of answers cut short",
            (Query(share(CUT_SHORT), "{{model}}"),),
            "percentunit",
            "They reached max_tokens or the end of the context window.",
        ),
        Panel(
            "Share of answers refused",
            (Query(share(REFUSED), "{{model}}"),),
            "percentunit",
            "stop_reason refusal: an answer, not an error, and never repeated.",
        ),
        Panel(
            "Blind repeats by client",
            (
                Query(
                    by("client, workload", rate("claude_sidecar_blind_repeats_total", PLACE)),
                    "{{workload}}: {{client}}",
                ),
            ),
            "reqps",
            "Calls sent again in spite of x-should-retry false. docs/clients.md has each client's setting.",
            stacked=True,
            width=12,
        ),
        Panel(
            "Hints by what they say",
            (
                Query(
                    by("workload, hint", rate("claude_sidecar_hints_total", PLACE)),
                    "{{workload}}: {{hint}}",
                ),
            ),
            "reqps",
            "Failures that apps got, by section of docs/errors.md and finding; docs/hints.md has them all.",
            stacked=True,
            width=12,
        ),
    ),
)
