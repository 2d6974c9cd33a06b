// What an opened call shows: its hint, its timeline, the facts about it, and how to look further.
import { element } from "./elements.js";
import { bytes, count, dollars, duration } from "./figures.js";
import { attemptsOf } from "./outcome.js";
import { timelineOf } from "./timeline.js";

export function detailOf(call) {
  return element("div", { class: "detail" },
    call.hint && element("p", { class: "hint", text: call.hint }),
    call.blindRepeat && element("p", { class: "hint", text: blindRepeat(call.blindRepeat) }),
    timelineOf(call),
    element("dl", { class: "facts" }, ...factsOf(call).map(([name, value]) =>
      element("div", {}, element("dt", { text: name }), element("dd", { text: value })))),
    element("p", { class: "further" }, "Told step by step: ",
      element("code", { text: explainCommand(call.callId) })));
}

/** The command asks the usual admin port by itself; another one, of a port-forward, it has to be told. */
function explainCommand(id) {
  const usual = ["http://127.0.0.1:8788", "http://localhost:8788"].includes(location.origin);
  return `claude-sidecar explain --request ${id}${usual ? "" : ` --sidecar ${location.origin}`}`;
}

function blindRepeat(client) {
  const who = typeof client === "string" ? ` (${client})` : "";
  return `A blind repeat${who}: the same request again after a failure that had been final.`;
}

function factsOf(call) {
  const sum = (kind) => attemptsOf(call).reduce((all, attempt) => all + (attempt.usage?.[kind] ?? 0), 0);
  const facts = [
    ["call", call.callId], ["request id", call.requestId], ["trace", call.traceId],
    ["request", `${call.method} ${call.path}${call.stream ? ", a stream" : ""}`],
    ["asked model", call.model], ["another model, by the policy", call.substitutedModel],
    ["key", call.key], ["feature", call.feature], ["conversation", call.conversation], ["agent", call.agent],
    ["parent agent", call.parentAgent],
    ["body", call.requestBytes ? `${bytes(call.requestBytes)}${call.bodyKept === false ? ", not kept: sent once" : ""}` : null],
    ["tokens of all attempts", `${count(sum("inputTokens"))} in, ${count(sum("outputTokens"))} out`],
    ["cache", cacheOf(sum("cacheReadInputTokens"), sum("cacheCreationInputTokens"))],
    ["cost of all attempts", call.costUsd === null || call.costUsd === undefined ? null : dollars(call.costUsd)],
    ["without a price", call.unpriced?.length ? call.unpriced.join(", ") : null],
    ["first chunk", call.firstChunkMs === null || call.firstChunkMs === undefined ? null : `after ${duration(call.firstChunkMs)}`],
    ["added by the sidecar", duration(call.addedMs)],
    ["limit", call.limit], ["retry outcome", call.retryOutcome], ["committed by", call.commitReason],
    ["opened while silent", call.openedBy ? `by attempt ${call.openedBy.attempt}, ${call.openedBy.route}` : null],
    ["repeats by the SDK before", call.sdkRetryCount || null],
    ["policy", call.policy ? `${call.policy} ${(call.policyHash ?? "").slice(0, 12)}` : null],
  ];
  return facts.filter(([, value]) => value !== null && value !== undefined && value !== "");
}

const cacheOf = (read, made) => (read || made ? `${count(read)} tokens read, ${count(made)} made` : null);
