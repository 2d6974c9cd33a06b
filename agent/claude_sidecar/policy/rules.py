"""The rules of the decision, in order: the first that answers is obeyed. decide.py says why the order is so.

A row's columns are those of the table in docs/decision.md; rule.py says what each is. The functions in
conditions.py say when a rule holds, and take its step.
"""

from claude_sidecar.policy import conditions, figures
from claude_sidecar.policy.backoff import SDK_PATIENCE_S
from claude_sidecar.policy.reasons import StopReason, WaitReason
from claude_sidecar.policy.rule import Rule, Situation

RULES = (
    Rule(
        name="answered",
        asked_after=(Situation.SUCCESS,),
        says="A response that is no error is delivered as it came.",
        then=StopReason.SUCCESS,
        decide=conditions.succeeded,
        explained=lambda call: "a response that is no error",
    ),
    Rule(
        name="no route serves the model",
        asked_after=(Situation.START,),
        says=(
            "Where no route's `models` names the model, and no substitution leads to one that is served, "
            "nothing is sent."
        ),
        then=StopReason.NO_ROUTE,
        reads=("routes[].models", "fallback.substitutions"),
        decide=conditions.no_route,
        # Not the model's name: a caller chose it, and what is said here is logged.
        explained=lambda call: (
            "neither routes[].models nor fallback.substitutions leads anywhere for the model asked for"
        ),
    ),
    Rule(
        name="sent once",
        asked_after=(Situation.FAILURE, Situation.REFUSAL),
        says=(
            "Only POST `/v1/messages`, `/v1/complete`, `/v1/messages/count_tokens`, GET and HEAD are ever "
            "repeated, and only where the body could be kept. Anything else is sent once."
        ),
        then=StopReason.PASSES_ONCE,
        reads=("limits.maxBufferedMiB", "limits.spoolMiB"),
        decide=conditions.sent_once,
        explained=figures.sent_once,
    ),
    Rule(
        name="last attempt cut short",
        asked_after=(Situation.FAILURE,),
        says=(
            "A last attempt that the deadline itself ended has not had its say: attempts do not count as "
            "spent, and the SDK may go on."
        ),
        then=StopReason.DEADLINE,
        reads=("timeouts.total",),
        decide=conditions.cut_short,
        explained=lambda call: f"the deadline, {figures.deadline(call)}, ended the last attempt",
    ),
    Rule(
        name="attempts spent",
        asked_after=(Situation.FAILURE, Situation.REFUSAL),
        says=(
            "A call has `retry.maxAttempts` attempts over all routes, less the repeats that its SDK says it"
            " has made (`x-stainless-retry-count`), and one at least."
        ),
        then=StopReason.ATTEMPTS_SPENT,
        reads=("retry.maxAttempts",),
        decide=conditions.attempts_spent,
        explained=figures.made,
    ),
    Rule(
        name="deadline passed",
        asked_after=(Situation.FAILURE, Situation.REFUSAL, Situation.WAIT),
        says="Nothing is sent after the deadline.",
        then=StopReason.DEADLINE,
        reads=("timeouts.total",),
        decide=conditions.past_deadline,
        explained=figures.deadline,
    ),
    Rule(
        name="dead connection",
        asked_after=(Situation.FAILURE,),
        says=(
            "A kept connection that turns out to be closed, before any byte of a response, says nothing of "
            "the upstream: the request is sent again at once to the same route, on a new connection, once "
            "in a row. It counts as an attempt, and needs no turn."
        ),
        then="send",
        decide=conditions.dead_connection,
        explained=lambda call: "the kept connection had been closed; again on a new one",
    ),
    Rule(
        name="may still be running",
        asked_after=(Situation.FAILURE,),
        says=(
            "A POST that timed out, and is neither a stream nor count_tokens, may still be running "
            "upstream, and be billed. It is not repeated."
        ),
        then=StopReason.MAY_BE_RUNNING,
        decide=conditions.may_be_running,
        explained=lambda call: (
            "a request that is no stream and timed out may be running upstream, and be billed"
        ),
    ),
    Rule(
        name="next route",
        asked_after=(Situation.FAILURE,),
        says=(
            "Where `fallback.causes` names the cause, the next eligible route of this round is tried now, "
            "or another model of a tried one (`fallback.substitutions`) whose turn has come."
        ),
        then="send",
        reads=("fallback.causes", "fallback.substitutions", "retry.budget"),
        decide=conditions.next_route,
        explained=lambda call: (
            f"fallback.causes names {figures.cause(call)}, and this round has not tried it"
        ),
    ),
    Rule(
        name="another model's turn",
        asked_after=(Situation.FAILURE,),
        says="Another model of a tried route is a repeat. A turn of it that comes later is waited for.",
        then=WaitReason.BUDGET,
        reads=("fallback.substitutions", "retry.budget"),
        decide=conditions.turn_within_the_round,
        explained=lambda call: (
            f"fallback.substitutions: another model of a tried route is next; {figures.budget(call)}"
        ),
    ),
    Rule(
        name="cause not retried",
        asked_after=(Situation.FAILURE,),
        says=(
            "What `retry.causes` does not name is not repeated, unless the upstream asks for it "
            "(`x-should-retry: true`) and the cause lets it."
        ),
        then=StopReason.CAUSE_NOT_LISTED,
        reads=("retry.causes",),
        decide=conditions.not_retried,
        explained=figures.not_repeated,
    ),
    Rule(
        name="futile repeats",
        asked_after=(Situation.FAILURE,),
        says=(
            "A route that cut two connections of one call at about the same age, over 10 s after it was "
            "sent, has a time-out on the way. It is given up, and with no other left, so is the call."
        ),
        then=StopReason.FUTILE,
        decide=conditions.futile,
        explained=lambda call: (
            f"connections are cut there about {call.cuts.futile_s or 0:g}s after the request"
        ),
    ),
    Rule(
        name="upstream forbids it",
        asked_after=(Situation.FAILURE,),
        says="`x-should-retry: false` ends the call on that route.",
        then=StopReason.UPSTREAM_FORBIDS,
        decide=conditions.forbidden,
        explained=lambda call: "the upstream says x-should-retry: false",
    ),
    Rule(
        name="same route",
        asked_after=(Situation.WAIT,),
        says="After a wait for one route, that route is tried again.",
        then="send",
        decide=conditions.same_route,
        explained=lambda call: "the same after the wait",
    ),
    Rule(
        name="first of a round",
        asked_after=(Situation.START, Situation.REFUSAL, Situation.WAIT),
        says=(
            "A call begins with a round, and so does each repeat of a cause that `fallback.causes` names. "
            "The first eligible route is tried."
        ),
        then="send",
        reads=("routes", "circuitBreaker"),
        decide=conditions.first_of_a_round,
        explained=lambda call: (
            "a new round begins" if call.attempts else "the first route that serves the model"
        ),
    ),
    Rule(
        name="no credential",
        asked_after=(Situation.START,),
        says="Where no route that serves the model has a credential to send, nothing is sent.",
        then=StopReason.CREDENTIAL_MISSING,
        reads=("routes[].credential",),
        decide=conditions.no_credential,
        explained=lambda call: "no route that serves the model has its key (routes[].credential)",
    ),
    Rule(
        name="no route left",
        asked_after=(Situation.FAILURE, Situation.REFUSAL, Situation.WAIT),
        says=(
            "Where each route that a repeat could go to was given up in this call, or has lost its "
            "credential, nothing more is sent."
        ),
        then=StopReason.ROUTES_SPENT,
        decide=conditions.no_route_left,
        explained=lambda call: "no route may have the call again",
    ),
    Rule(
        name="retry-after too long",
        asked_after=(Situation.FAILURE,),
        says="A wait longer than `retry.maxRetryAfter` that the upstream asks for is not waited.",
        then=StopReason.RETRY_AFTER_TOO_LONG,
        reads=("retry.maxRetryAfter",),
        decide=conditions.retry_after_too_long,
        explained=figures.retry_after_too_long,
    ),
    Rule(
        name="retry-after past the deadline",
        asked_after=(Situation.FAILURE,),
        says="Nor is one that would end after the deadline.",
        then=StopReason.RETRY_AFTER_TOO_LONG,
        reads=("timeouts.total",),
        decide=conditions.retry_after_past_deadline,
        explained=lambda call: (
            f"{figures.retry_after(call)} ends after the deadline, {figures.deadline(call)}"
        ),
    ),
    Rule(
        name="wait past the deadline",
        asked_after=(Situation.FAILURE,),
        says="Nor is a backoff that would.",
        then=StopReason.DEADLINE,
        reads=("retry.backoff", "timeouts.total"),
        decide=conditions.ends_past_deadline,
        explained=lambda call: (
            f"it would end after the deadline, {figures.deadline(call)}; {figures.backoff(call)}"
        ),
    ),
    Rule(
        name="rate limit",
        asked_after=(Situation.FAILURE,),
        says=(
            "A rate limit that says when to come again is obeyed: `retry-after`, and jitter up to the "
            "larger of `retry.backoff.initial` and a tenth of it. This needs no turn."
        ),
        then=WaitReason.RETRY_AFTER,
        reads=("retry.backoff.initial",),
        decide=conditions.rate_limit,
        explained=figures.told_to_wait,
    ),
    Rule(
        name="no turn in time",
        asked_after=(Situation.FAILURE,),
        says=(
            "A repeat whose turn in the retry budget comes after the deadline, or later than "
            "`retry.backoff.max` from now, is not waited for; in an opened call, only one after "
            "`timeouts.total`."
        ),
        then=StopReason.TURN_TOO_LATE,
        reads=("retry.budget", "retry.backoff.max"),
        decide=conditions.no_turn,
        explained=figures.no_turn,
    ),
    Rule(
        name="wait for a turn",
        asked_after=(Situation.FAILURE,),
        says=(
            "A repeat beyond the pace of the retry budget waits for its turn, where that comes later than "
            "it would have waited anyway."
        ),
        then=WaitReason.BUDGET,
        reads=("retry.budget",),
        decide=conditions.later_turn,
        explained=figures.later_turn,
    ),
    Rule(
        name="wait as told",
        asked_after=(Situation.FAILURE,),
        says="Any other `retry-after` is a floor under the backoff, with the same jitter.",
        then=WaitReason.RETRY_AFTER,
        reads=("retry.backoff",),
        decide=conditions.retry_after,
        explained=lambda call: f"{figures.told_to_wait(call)}; {figures.backoff(call)}",
    ),
    Rule(
        name="backoff",
        asked_after=(Situation.FAILURE,),
        says=(
            "A repeat waits between 0 and `retry.backoff.initial`, doubling with each wait up to "
            "`retry.backoff.max`, evenly drawn. Before its last attempt a call has waited "
            f"{SDK_PATIENCE_S:g} s in all at least, as an SDK would have."
        ),
        then=WaitReason.BACKOFF,
        reads=("retry.backoff",),
        decide=conditions.backoff,
        explained=lambda call: f"{figures.repeated(call)}; {figures.backoff(call)}",
    ),
)
