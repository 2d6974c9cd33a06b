"""What the panels of the fleet ask, and by which choices above the dashboard."""

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
