"""The rules of the decision, in order: the first that answers is obeyed. decide.py says why the order is so.

The functions behind them, in conditions.py, say when a rule holds.
"""

from claude_sidecar.policy import conditions, figures
from claude_sidecar.policy.backoff import SDK_PATIENCE_S
from claude_sidecar.policy.reasons import StopReason, WaitReason
from claude_sidecar.policy.rule import Rule, Situation

START, SUCCEEDED, FAILED, REFUSED, WAITED = Situation

RULES = (
    Rule(
        "answered",
        (SUCCEEDED,),
        conditions.succeeded,
        StopReason.SUCCESS,
        "A response that is no error is delivered as it came.",
        lambda call: "a response that is no error",
    ),
    Rule(
        "no route serves the model",
        (START,),
        conditions.no_route,
        StopReason.NO_ROUTE,
        "Where no route's `models` names the model, and no substitution leads to one that is served, nothing "
        "is sent.",
        lambda call: f"no route's models name {call.facts.model}",
        ("routes[].models", "fallback.substitutions"),
    ),
    Rule(
        "sent once",
        (FAILED, REFUSED),
        conditions.sent_once,
        StopReason.PASSES_ONCE,
        "Only POST `/v1/messages`, `/v1/complete`, `/v1/messages/count_tokens`, GET and HEAD are ever "
        "repeated, and only where the body could be kept. Anything else is sent once.",
        lambda call: "such a call is not repeated",
        ("limits.maxBufferedMiB", "limits.spoolMiB"),
    ),
    Rule(
        "last attempt cut short",
        (FAILED,),
        conditions.cut_short,
        StopReason.DEADLINE,
        "A last attempt that the deadline itself ended has not had its say: attempts do not count as spent, "
        "and the SDK may go on.",
        lambda call: f"the deadline, {figures.deadline(call)}, ended the last attempt",
        ("timeouts.total",),
    ),
    Rule(
        "attempts spent",
        (FAILED, REFUSED),
        conditions.attempts_spent,
        StopReason.ATTEMPTS_SPENT,
        "A call has `retry.maxAttempts` attempts over all routes, less the repeats that its SDK says it has "
        "made (`x-stainless-retry-count`), and one at least.",
        lambda call: f"{call.attempts} of {call.facts.max_attempts} made; retry.maxAttempts",
        ("retry.maxAttempts",),
    ),
    Rule(
        "deadline passed",
        (FAILED, REFUSED, WAITED),
        conditions.past_deadline,
        StopReason.DEADLINE,
        "Nothing is sent after the deadline.",
        lambda call: figures.deadline(call),
        ("timeouts.total",),
    ),
    Rule(
        "dead connection",
        (FAILED,),
        conditions.dead_connection,
        None,
        "A kept connection that turns out to be closed, before any byte of a response, says nothing of the "
        "upstream: the request is sent again at once to the same route, on a new connection, once in a row. "
        "It counts as an attempt, and needs no turn.",
        lambda call: "the kept connection had been closed; again on a new one",
    ),
    Rule(
        "may still be running",
        (FAILED,),
        conditions.may_be_running,
        StopReason.MAY_BE_RUNNING,
        "A POST that timed out, and is neither a stream nor count_tokens, may still be running upstream, and "
        "be billed. It is not repeated.",
        lambda call: "a request that is no stream and timed out may be running upstream, and be billed",
    ),
    Rule(
        "next route",
        (FAILED,),
        conditions.next_route,
        None,
        "Where `fallback.causes` names the cause, the next eligible route of this round is tried at once. "
        "Another model of a tried route (`fallback.substitutions`) is a repeat: it waits for its turn.",
        lambda call: f"fallback.causes names {figures.cause(call)}, and this round has not tried it",
        ("fallback.causes", "fallback.substitutions", "retry.budget"),
    ),
    Rule(
        "cause not retried",
        (FAILED,),
        conditions.not_retried,
        StopReason.CAUSE_NOT_LISTED,
        "What `retry.causes` does not name is not repeated, unless the upstream asks for it "
        "(`x-should-retry: true`) and the cause lets it.",
        lambda call: f"retry.causes does not name {figures.cause(call)}, and no other route may take it",
        ("retry.causes",),
    ),
    Rule(
        "futile repeats",
        (FAILED,),
        conditions.futile,
        StopReason.FUTILE,
        "A route that cut two connections of one call at about the same age, over 10 s after it was sent, "
        "has a time-out on the way. It is given up, and with no other left, so is the call.",
        lambda call: f"connections are cut there about {call.cuts.futile_s or 0:g}s after the request",
    ),
    Rule(
        "upstream forbids it",
        (FAILED,),
        conditions.forbidden,
        StopReason.UPSTREAM_FORBIDS,
        "`x-should-retry: false` ends the call on that route.",
        lambda call: "the upstream says x-should-retry: false",
    ),
    Rule(
        "same route",
        (WAITED,),
        conditions.same_route,
        None,
        "After a wait for one route, that route is tried again.",
        lambda call: "the same after the wait",
    ),
    Rule(
        "first of a round",
        (START, REFUSED, WAITED),
        conditions.first_of_a_round,
        None,
        "A call begins with a round, and so does each repeat of a cause that `fallback.causes` names. The "
        "first eligible route is tried.",
        lambda call: "a new round begins" if call.attempts else "the first route that serves the model",
        ("routes", "circuitBreaker"),
    ),
    Rule(
        "no credential",
        (START,),
        conditions.no_credential,
        StopReason.CREDENTIAL_MISSING,
        "Where no route that serves the model has a credential to send, nothing is sent.",
        lambda call: "no route that serves the model has its key",
        ("routes[].credential",),
    ),
    Rule(
        "no route left",
        (FAILED, REFUSED, WAITED),
        conditions.no_route_left,
        StopReason.ROUTES_SPENT,
        "Where each route that a repeat could go to was given up in this call, or has lost its credential, "
        "nothing more is sent.",
        lambda call: "no route may have the call again",
    ),
    Rule(
        "retry-after too long",
        (FAILED,),
        conditions.retry_after_too_long,
        StopReason.RETRY_AFTER_TOO_LONG,
        "A wait longer than `retry.maxRetryAfter` that the upstream asks for is not waited.",
        lambda call: (
            f"{figures.retry_after(call)} is over retry.maxRetryAfter, "
            f"{call.snapshot.retry.max_retry_after_s:g}s"
        ),
        ("retry.maxRetryAfter",),
    ),
    Rule(
        "retry-after past the deadline",
        (FAILED,),
        conditions.retry_after_past_deadline,
        StopReason.RETRY_AFTER_TOO_LONG,
        "Nor is one that would end after the deadline.",
        lambda call: f"{figures.retry_after(call)} ends after the deadline, {figures.deadline(call)}",
        ("timeouts.total",),
    ),
    Rule(
        "wait past the deadline",
        (FAILED,),
        conditions.ends_past_deadline,
        StopReason.DEADLINE,
        "Nor is a backoff that would.",
        lambda call: f"it would end after the deadline, {figures.deadline(call)}",
        ("retry.backoff", "timeouts.total"),
    ),
    Rule(
        "rate limit",
        (FAILED,),
        conditions.rate_limit,
        WaitReason.RETRY_AFTER,
        "A rate limit that says when to come again is obeyed: `retry-after`, and jitter up to the larger of "
        "`retry.backoff.initial` and a tenth of it. This needs no turn.",
        lambda call: f"the upstream's retry-after, with jitter; {figures.repeated(call)}",
        ("retry.backoff.initial",),
    ),
    Rule(
        "no turn in time",
        (FAILED,),
        conditions.no_turn,
        StopReason.TURN_TOO_LATE,
        "A repeat whose turn in the retry budget comes after the deadline, or later than `retry.backoff.max` "
        "from now, is not waited for; in an opened call, only one after `timeouts.total`.",
        lambda call: "retry.budget has no turn for a repeat in time",
        ("retry.budget", "retry.backoff.max"),
    ),
    Rule(
        "wait for a turn",
        (FAILED,),
        conditions.later_turn,
        WaitReason.BUDGET,
        "A repeat beyond the pace of the retry budget waits for its turn, where that comes later than it "
        "would have waited anyway.",
        lambda call: (
            f"retry.budget lets {call.snapshot.retry.budget.percent} % of calls and "
            f"{call.snapshot.retry.budget.min_per_second} more a second be repeated; "
            f"{figures.repeated(call)}"
        ),
        ("retry.budget",),
    ),
    Rule(
        "wait as told",
        (FAILED,),
        conditions.retry_after,
        WaitReason.RETRY_AFTER,
        "Any other `retry-after` is a floor under the backoff, with the same jitter.",
        lambda call: f"the upstream's retry-after, with jitter; {figures.repeated(call)}",
        ("retry.backoff",),
    ),
    Rule(
        "backoff",
        (FAILED,),
        conditions.backoff,
        WaitReason.BACKOFF,
        "A repeat waits between 0 and `retry.backoff.initial`, doubling with each wait up to "
        "`retry.backoff.max`, evenly drawn. Before its last attempt a call has waited "
        f"{SDK_PATIENCE_S:g} s in all at least, as an SDK would have.",
        lambda call: f"retry.backoff; {figures.repeated(call)}",
        ("retry.backoff",),
    ),
)
