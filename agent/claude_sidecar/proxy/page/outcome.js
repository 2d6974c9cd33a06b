// What became of a call, by its entry in /requests.

/** `failed`, `left` (the caller went away), `cured` (a success after a failed attempt) or `ok`. */
export function outcomeOf(call) {
  if (hasFailed(call)) return "failed";
  if (call.cancelled) return "left";
  return attemptsOf(call).some((attempt) => attempt.cause) ? "cured" : "ok";
}

function hasFailed(call) {
  if (call.interrupted || call.cause) return true;
  return call.status ? call.status >= 400 : !call.cancelled;
}

/** `failed`, `left` or `ok`. */
export function attemptOutcome(attempt) {
  if (attempt.cause) return "failed";
  return attempt.cancelled ? "left" : "ok";
}

export const attemptsOf = (call) => call.attempts ?? [];

/** Whether anything went another way than straight through. */
export function isTroubled(call) {
  return outcomeOf(call) !== "ok" || attemptsOf(call).length > 1 || Boolean(call.waits?.length || call.blindRepeat);
}

/** Everything of a call that a filter looks at, in lower case. */
export function searchedText(call) {
  const attempts = attemptsOf(call);
  return [
    call.callId, call.traceId, call.requestId, call.method, call.path, call.operation, call.model, call.substitutedModel,
    call.key, call.feature, call.conversation, call.agent, call.route, call.status, call.cause, call.errorType, call.limit,
    call.hint, call.endRule, call.policy, outcomeOf(call), call.blindRepeat ? "blind repeat" : null,
    ...attempts.flatMap((each) => [each.route, each.status, each.cause, each.errorType, each.requestId, each.rule]),
  ].filter((each) => each !== null && each !== undefined).join("\n").toLowerCase();
}
