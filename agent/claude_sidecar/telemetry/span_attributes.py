"""What each of the three levels of a trace says about a call."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from claude_sidecar.schema.telemetry import UsageNames
from claude_sidecar.telemetry import names
from claude_sidecar.telemetry.attempts import AttemptRecord
from claude_sidecar.telemetry.labels import Labels
from claude_sidecar.telemetry.record import CallRecord, RequestRecord
from claude_sidecar.wire.response_metadata import TokenUsage

Value = str | bool | int | float | Sequence[str]
Attributes = dict[str, Value]

_GEN_AI_USAGE = (
    names.GEN_AI_USAGE_INPUT_TOKENS,
    names.GEN_AI_USAGE_OUTPUT_TOKENS,
    names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
    names.GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS,
    names.USAGE_CACHE_CREATION_1H,
    names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS,
    names.USAGE_WEB_SEARCHES,
    names.USAGE_WEB_FETCHES,
)
_OWN_USAGE = (
    names.USAGE_INPUT,
    names.USAGE_OUTPUT,
    names.USAGE_CACHE_READ,
    names.USAGE_CACHE_CREATION,
    names.USAGE_CACHE_CREATION_1H,
    names.USAGE_REASONING,
    names.USAGE_WEB_SEARCHES,
    names.USAGE_WEB_FETCHES,
)
# Attempts have names of their own: stores sum an attribute over the spans of a trace, and the response that
# was delivered stands on the operation's span.
_ATTEMPT_USAGE = (
    names.ATTEMPT_USAGE_INPUT,
    names.ATTEMPT_USAGE_OUTPUT,
    names.ATTEMPT_USAGE_CACHE_READ,
    names.ATTEMPT_USAGE_CACHE_CREATION,
    names.ATTEMPT_USAGE_CACHE_CREATION_1H,
    names.ATTEMPT_USAGE_REASONING,
    names.ATTEMPT_USAGE_WEB_SEARCHES,
    names.ATTEMPT_USAGE_WEB_FETCHES,
)

_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})


def method_of(record: CallRecord) -> str:
    """The method, `_OTHER` for one that HTTP does not know (semantic conventions, HTTP spans)."""
    return method if (method := record.request.method) in _METHODS else "_OTHER"


def server_attributes(record: CallRecord, template: str | None, labels: Labels) -> Attributes:
    """The top span: the app's request as we answered it."""
    request, response = record.request, record.response
    attributes = _outcome(record)
    attributes[names.HTTP_REQUEST_METHOD] = method_of(record)
    attributes[names.URL_SCHEME] = "http"
    if template is not None:
        attributes[names.URL_PATH] = request.path
        attributes[names.HTTP_ROUTE] = template
    attributes[names.POLICY] = record.policy
    attributes[names.POLICY_HASH] = record.policy_hash
    attributes[names.ATTEMPTS] = len(record.attempts)
    attributes[names.KEY] = record.key
    attributes[names.CALL_ID] = record.call_id
    attributes[names.ADDED_LATENCY_MS] = round(record.added_s * 1000, 3)
    if response.limit is not None:
        attributes[names.LIMIT] = response.limit
    if request.feature:
        attributes[names.FEATURE] = labels.feature(request.feature)
    if response.hint is not None:
        attributes[names.HINT] = response.hint
    if response.request_id is not None:
        attributes[names.RESPONSE_REQUEST_ID] = (response.request_id,)
    if response.commit_reason is not None:
        attributes[names.COMMIT_REASON] = response.commit_reason.value
    if record.opened_by is not None:
        attributes[names.OPENED] = True
        attributes[names.OPENED_BY_ROUTE] = record.opened_by.route
        attributes[names.OPENED_BY_ATTEMPT] = record.opened_by.attempt
    if record.cancelled:
        attributes[names.CANCELLED] = True
    if request.blind_repeat is not None:
        attributes[names.BLIND_REPEAT] = request.blind_repeat
    return attributes


def operation_attributes(record: CallRecord, usage: UsageNames) -> Attributes:
    """The middle span: one operation on a model, however many sends it took; or a call without a model.

    usage: under which names it tells its tokens.
    """
    request = record.request
    attributes = _outcome(record)
    sent = record.answered_by
    if sent is not None:
        attributes[names.SERVER_ADDRESS] = sent.server_address
        attributes[names.SERVER_PORT] = sent.server_port
    if request.operation is None:
        return attributes
    attributes[names.GEN_AI_OPERATION_NAME] = request.operation
    attributes[names.GEN_AI_PROVIDER_NAME] = record.provider
    if request.model is not None:
        attributes[names.GEN_AI_REQUEST_MODEL] = request.model
    if record.substituted_model is not None:
        attributes[names.SUBSTITUTED_MODEL] = record.substituted_model
    if request.stream:
        attributes[names.GEN_AI_REQUEST_STREAM] = True
        if record.first_chunk_s is not None:
            attributes[names.GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK] = record.first_chunk_s - record.started_s
    if request.max_tokens is not None:
        attributes[names.GEN_AI_REQUEST_MAX_TOKENS] = request.max_tokens
    if sent is not None:
        _answer(attributes, record, sent, usage)
    _add_cost(attributes, record)
    return attributes


def _answer(attributes: Attributes, record: CallRecord, sent: AttemptRecord, usage: UsageNames) -> None:
    if sent.response_model is not None:
        attributes[names.GEN_AI_RESPONSE_MODEL] = sent.response_model
        if record.wrong_model is not None:
            attributes[names.MODEL_MISMATCH] = True
    if sent.response_id is not None:
        attributes[names.GEN_AI_RESPONSE_ID] = sent.response_id
    if sent.stop_reason is not None:
        attributes[names.GEN_AI_RESPONSE_FINISH_REASONS] = (sent.stop_reason,)
    if record.request.operation == names.OPERATION_COUNT_TOKENS:
        # What was counted was not used: as usage it would be summed up as if it were.
        return
    # The app's SDK names its span as parent, and that span carries the tokens of this call, too.
    told_by_the_app = usage is UsageNames.AUTO and record.request.parent_span_id is not None
    under = _OWN_USAGE if told_by_the_app or usage is UsageNames.NEVER else _GEN_AI_USAGE
    _add_usage(attributes, sent.usage, under)


def _add_cost(attributes: Attributes, record: CallRecord) -> None:
    """What the operation cost, discarded attempts included: the one sum for stores that add up a trace."""
    cost, unpriced = record.cost_usd, record.unpriced
    if cost is not None:
        attributes[names.COST_USD] = float(cost)
    if unpriced:
        attributes[names.UNPRICED] = unpriced


def attempt_attributes(record: CallRecord, number: int, template: str | None) -> Attributes:
    """One attempt. number: 0 for the first."""
    attempt = record.attempts[number]
    attributes: Attributes = {
        names.HTTP_REQUEST_METHOD: method_of(record),
        names.SERVER_ADDRESS: attempt.server_address,
        names.SERVER_PORT: attempt.server_port,
        names.URL_FULL: _safe_url(attempt.url, keep_path=template is not None),
        names.ROUTE: attempt.route,
    }
    if number:
        attributes[names.HTTP_REQUEST_RESEND_COUNT] = number
    _add_conversation(attributes, record.request)
    if attempt.status is not None:
        attributes[names.HTTP_RESPONSE_STATUS_CODE] = attempt.status
    error = attempt.reported_error
    if error is not None:
        attributes[names.ERROR_TYPE] = error
    if attempt.cause is not None:
        attributes[names.CAUSE] = attempt.cause.value
    if attempt.limit is not None:
        attributes[names.LIMIT] = attempt.limit
    if attempt.request_id is not None:
        attributes[names.RESPONSE_REQUEST_ID] = (attempt.request_id,)
    if attempt.first_byte_s is not None:
        attributes[names.FIRST_BYTE_S] = attempt.first_byte_s - attempt.started_s
    if attempt.key != names.NONE:
        attributes[names.KEY] = attempt.key
    if attempt.cancelled:
        attributes[names.CANCELLED] = True
    if attempt.reused_connection_died:
        attributes[names.CONNECTION_DIED] = True
    if record.request.operation not in (None, names.OPERATION_COUNT_TOKENS):
        _add_usage(attributes, attempt.usage, _ATTEMPT_USAGE)
    if attempt.cost_usd is not None:
        attributes[names.ATTEMPT_COST_USD] = float(attempt.cost_usd)
    return attributes


def _add_usage(attributes: Attributes, usage: TokenUsage, under: tuple[str, ...]) -> None:
    counts = (
        usage.total_input(),
        usage.output_tokens,
        usage.cache_read_input_tokens,
        usage.cache_creation_input_tokens,
        usage.cache_creation_1h_input_tokens,
        usage.thinking_tokens,
        usage.web_search_requests,
        usage.web_fetch_requests,
    )
    for name, count in zip(under, counts, strict=True):
        if count is not None:
            attributes[name] = count


def _outcome(record: CallRecord) -> Attributes:
    response = record.response
    attributes: Attributes = {names.ROUTE: response.route}
    _add_conversation(attributes, record.request)
    if response.status is not None:
        attributes[names.HTTP_RESPONSE_STATUS_CODE] = response.status
    error = record.error
    if error is not None:
        attributes[names.ERROR_TYPE] = error
    if response.cause is not None and not record.caller_left:
        attributes[names.CAUSE] = response.cause.value
    return attributes


def _add_conversation(attributes: Attributes, request: RequestRecord) -> None:
    # On every level, so that a search for a conversation finds each span of it.
    for name, said in (
        (names.GEN_AI_CONVERSATION_ID, request.conversation),
        (names.AGENT_ID, request.agent),
        (names.AGENT_PARENT_ID, request.parent_agent),
    ):
        if said:
            attributes[name] = said


def _safe_url(url: str, *, keep_path: bool) -> str:
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return ""
    return f"{parts.scheme}://{host}{parts.path if keep_path else ''}"


def events_of(record: CallRecord) -> list[tuple[float, str, Mapping[str, Value]]]:
    """Waits and moves to other routes in the order of time: when on the loop's clock, name, attributes."""
    events: list[tuple[float, str, Mapping[str, Value]]] = [
        (
            wait.at_s,
            names.EVENT_WAIT,
            {names.EVENT_WAIT_REASON: wait.reason, names.EVENT_WAIT_SECONDS: wait.seconds},
        )
        for wait in record.waits
    ]
    events += [
        (
            move.at_s,
            names.EVENT_FALLBACK,
            {
                names.EVENT_FALLBACK_FROM: move.from_route,
                names.EVENT_FALLBACK_TO: move.to_route,
                names.EVENT_FALLBACK_CAUSE: move.cause.value,
            },
        )
        for move in record.fallbacks
    ]
    events.sort(key=lambda event: event[0])
    return events
