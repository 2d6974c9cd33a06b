"""Every name we emit in spans, metrics and log lines: they are a promise, so they live in one place.

`GEN_AI_*`, `HTTP_*`, `SERVER_*`, `URL_*` and `ERROR_*` follow the OpenTelemetry semantic conventions of the
version below (GenAI is still in development there); a test compares them with the published package.
"""

from typing import Final

SEMCONV_VERSION: Final = "1.41.1"
SCHEMA_URL: Final = f"https://opentelemetry.io/schemas/{SEMCONV_VERSION}"
SCOPE: Final = "claude_sidecar"
SERVICE: Final = "claude-sidecar"

NONE: Final = "none"
"""Label value where there is nothing to say: no status, no error, no cause, no model, no key."""
OTHER: Final = "_other"
"""Label value beyond the bound of a label."""

# Attributes of the conventions.
GEN_AI_CONVERSATION_ID: Final = "gen_ai.conversation.id"
GEN_AI_OPERATION_NAME: Final = "gen_ai.operation.name"
GEN_AI_PROVIDER_NAME: Final = "gen_ai.provider.name"
GEN_AI_REQUEST_MODEL: Final = "gen_ai.request.model"
GEN_AI_REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"
GEN_AI_REQUEST_STREAM: Final = "gen_ai.request.stream"
GEN_AI_RESPONSE_ID: Final = "gen_ai.response.id"
GEN_AI_RESPONSE_MODEL: Final = "gen_ai.response.model"
GEN_AI_RESPONSE_FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
GEN_AI_USAGE_INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
GEN_AI_USAGE_OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS: Final = "gen_ai.usage.cache_creation.input_tokens"
GEN_AI_USAGE_REASONING_OUTPUT_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
HTTP_REQUEST_METHOD: Final = "http.request.method"
HTTP_REQUEST_RESEND_COUNT: Final = "http.request.resend_count"
HTTP_RESPONSE_STATUS_CODE: Final = "http.response.status_code"
HTTP_ROUTE: Final = "http.route"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
URL_FULL: Final = "url.full"
URL_PATH: Final = "url.path"
URL_SCHEME: Final = "url.scheme"
ERROR_TYPE: Final = "error.type"
RESPONSE_REQUEST_ID: Final = "http.response.header.request-id"
"""The convention's `http.response.header.<key>`: the only header we record."""

OPERATION_COUNT_TOKENS: Final = "count_tokens"

# Our own attributes.
ROUTE: Final = "claude_sidecar.route"
CAUSE: Final = "claude_sidecar.cause"
POLICY: Final = "claude_sidecar.policy"
POLICY_HASH: Final = "claude_sidecar.policy_hash"
ATTEMPTS: Final = "claude_sidecar.attempts"
KEY: Final = "claude_sidecar.key"
LIMIT: Final = "claude_sidecar.limit"
FEATURE: Final = "claude_sidecar.feature"
AGENT_ID: Final = "claude_sidecar.agent.id"
AGENT_PARENT_ID: Final = "claude_sidecar.agent.parent_id"
ADDED_LATENCY_MS: Final = "claude_sidecar.added_latency_ms"
HINT: Final = "claude_sidecar.hint"
CALL_ID: Final = "claude_sidecar.call_id"
COMMIT_REASON: Final = "claude_sidecar.commit_reason"
OPENED: Final = "claude_sidecar.opened"
OPENED_BY_ROUTE: Final = "claude_sidecar.opened_by.route"
OPENED_BY_ATTEMPT: Final = "claude_sidecar.opened_by.attempt"
CANCELLED: Final = "claude_sidecar.cancelled"
BLIND_REPEAT: Final = "claude_sidecar.blind_repeat"
SUBSTITUTED_MODEL: Final = "claude_sidecar.substituted_model"
MODEL_MISMATCH: Final = "claude_sidecar.model_mismatch"
CONNECTION_DIED: Final = "claude_sidecar.reused_connection_died"
FIRST_BYTE_S: Final = "claude_sidecar.first_byte_seconds"
COST_USD: Final = "claude_sidecar.cost_usd"
ATTEMPT_COST_USD: Final = "claude_sidecar.attempt.cost_usd"
UNPRICED: Final = "claude_sidecar.unpriced"
USAGE_INPUT: Final = "claude_sidecar.usage.input_tokens"
USAGE_OUTPUT: Final = "claude_sidecar.usage.output_tokens"
USAGE_CACHE_READ: Final = "claude_sidecar.usage.cache_read.input_tokens"
USAGE_CACHE_CREATION: Final = "claude_sidecar.usage.cache_creation.input_tokens"
USAGE_CACHE_CREATION_1H: Final = "claude_sidecar.usage.cache_creation_1h.input_tokens"
USAGE_REASONING: Final = "claude_sidecar.usage.reasoning.output_tokens"
USAGE_WEB_SEARCHES: Final = "claude_sidecar.usage.web_search.requests"
USAGE_WEB_FETCHES: Final = "claude_sidecar.usage.web_fetch.requests"
ATTEMPT_USAGE_INPUT: Final = "claude_sidecar.attempt.usage.input_tokens"
ATTEMPT_USAGE_OUTPUT: Final = "claude_sidecar.attempt.usage.output_tokens"
ATTEMPT_USAGE_CACHE_READ: Final = "claude_sidecar.attempt.usage.cache_read.input_tokens"
ATTEMPT_USAGE_CACHE_CREATION: Final = "claude_sidecar.attempt.usage.cache_creation.input_tokens"
ATTEMPT_USAGE_CACHE_CREATION_1H: Final = "claude_sidecar.attempt.usage.cache_creation_1h.input_tokens"
ATTEMPT_USAGE_REASONING: Final = "claude_sidecar.attempt.usage.reasoning.output_tokens"
ATTEMPT_USAGE_WEB_SEARCHES: Final = "claude_sidecar.attempt.usage.web_search.requests"
ATTEMPT_USAGE_WEB_FETCHES: Final = "claude_sidecar.attempt.usage.web_fetch.requests"

# Events on the middle span, and their attributes.
EVENT_WAIT: Final = "claude_sidecar.wait"
EVENT_WAIT_REASON: Final = "reason"
EVENT_WAIT_SECONDS: Final = "seconds"
EVENT_FALLBACK: Final = "claude_sidecar.fallback"
EVENT_FALLBACK_FROM: Final = "from"
EVENT_FALLBACK_TO: Final = "to"
EVENT_FALLBACK_CAUSE: Final = "cause"

# Metrics of the conventions, by the name that OpenTelemetry's translation to Prometheus gives them.
GEN_AI_CLIENT_TOKEN_USAGE: Final = "gen_ai.client.token.usage"  # noqa: S105 - no password
GEN_AI_CLIENT_OPERATION_DURATION: Final = "gen_ai.client.operation.duration"
GEN_AI_CLIENT_OPERATION_TIME_TO_FIRST_CHUNK: Final = "gen_ai.client.operation.time_to_first_chunk"
GEN_AI_TOKEN_TYPE: Final = "gen_ai.token.type"  # noqa: S105 - no password

M_REQUESTS: Final = "claude_sidecar_requests_total"
M_ATTEMPTS: Final = "claude_sidecar_attempts_total"
M_RETRIES: Final = "claude_sidecar_retries_total"
M_LIMITS: Final = "claude_sidecar_limits_hit_total"
M_FALLBACKS: Final = "claude_sidecar_fallbacks_total"
M_FEATURES: Final = "claude_sidecar_feature_requests_total"
M_TOKENS: Final = "claude_sidecar_tokens_total"
M_COST: Final = "claude_sidecar_cost_usd_total"
M_UNPRICED: Final = "claude_sidecar_unpriced_usage_total"
M_WAIT: Final = "claude_sidecar_wait_seconds"
M_ADDED_LATENCY: Final = "claude_sidecar_added_latency_seconds"
M_FIRST_CHUNK: Final = "claude_sidecar_time_to_first_chunk_seconds"
M_IN_FLIGHT: Final = "claude_sidecar_requests_in_flight"
M_CONNECTIONS: Final = "claude_sidecar_connections"
M_BREAKER: Final = "claude_sidecar_breaker_state"
M_RATELIMIT: Final = "claude_sidecar_ratelimit_remaining"
M_LIMIT_LEFT: Final = "claude_sidecar_ratelimit_left_ratio"
M_STOP_REASONS: Final = "claude_sidecar_stop_reasons_total"
M_HINTS: Final = "claude_sidecar_hints_total"
M_BLIND_REPEATS: Final = "claude_sidecar_blind_repeats_total"
M_MISMATCHES: Final = "claude_sidecar_model_mismatches_total"
M_POLICY: Final = "claude_sidecar_policy_info"
M_POLICY_ERRORS: Final = "claude_sidecar_policy_errors_total"
M_POLICY_REFUSED: Final = "claude_sidecar_policy_refused"
M_TRACES_DROPPED: Final = "claude_sidecar_traces_dropped_total"
M_EXPORT_FAILURES: Final = "claude_sidecar_trace_export_failures_total"
M_LISTENER_ERRORS: Final = "claude_sidecar_telemetry_errors_total"
M_GEN_AI_TOKENS: Final = "gen_ai_client_token_usage"
M_GEN_AI_DURATION: Final = "gen_ai_client_operation_duration_seconds"
M_GEN_AI_FIRST_CHUNK: Final = "gen_ai_client_operation_time_to_first_chunk_seconds"

_GEN_AI = ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model")

METRIC_LABELS: Final[dict[str, tuple[str, ...]]] = {
    M_REQUESTS: ("route", "model", "status", "error_type", "key"),
    M_ATTEMPTS: ("route", "model", "status", "cause"),
    M_RETRIES: ("outcome",),
    M_LIMITS: ("route", "model", "limit", "key"),
    M_FALLBACKS: ("from", "to", "cause"),
    M_FEATURES: ("feature", "model", "status", "error_type"),
    M_TOKENS: ("model", "kind", "key"),
    M_COST: ("model", "key"),
    M_UNPRICED: ("model", "kind"),
    M_WAIT: ("reason",),
    M_ADDED_LATENCY: (),
    M_FIRST_CHUNK: (),
    M_IN_FLIGHT: (),
    M_CONNECTIONS: ("port",),
    M_BREAKER: ("route",),
    M_RATELIMIT: ("route", "limit"),
    M_LIMIT_LEFT: ("route", "model", "limit"),
    M_STOP_REASONS: ("model", "stop_reason", "key"),
    M_HINTS: ("hint",),
    M_BLIND_REPEATS: ("client", "key"),
    M_MISMATCHES: ("route", "model"),
    M_POLICY: ("policy", "namespace", "generation", "hash"),
    M_POLICY_ERRORS: (),
    M_POLICY_REFUSED: (),
    M_TRACES_DROPPED: (),
    M_EXPORT_FAILURES: (),
    M_LISTENER_ERRORS: (),
    M_GEN_AI_TOKENS: (*_GEN_AI, "gen_ai_token_type"),
    M_GEN_AI_DURATION: (*_GEN_AI, "error_type"),
    M_GEN_AI_FIRST_CHUNK: _GEN_AI,
}
"""Every metric with its labels, in order."""

# Log messages: constant, so that they can be searched and alerted on.
LOG_CALL: Final = "request failed or was retried"
LOG_MISMATCH: Final = "answer names another model"
LOG_BLIND_REPEAT: Final = "a client repeats in spite of x-should-retry: false"
LOG_LISTENER: Final = "telemetry listener failed"
LOG_POLICY: Final = "policy in force"
LOG_POLICY_REFUSED: Final = "policy refused, the last good one stays in force"
LOG_EXPORT: Final = "traces are exported"
LOG_EXPORT_SETTING: Final = "trace export setting not understood"
LOG_EXPORT_FAILED: Final = "traces are off: export could not be set up"
