// One call as a timeline: attempts and waits as bars to one scale, each with the rule behind it.
import { element } from "./elements.js";
import { dollars, duration } from "./figures.js";
import { attemptOutcome, attemptsOf, outcomeOf } from "./outcome.js";

/** The table of a call's steps, in the order of their beginnings, with its end as the last row. */
export function timelineOf(call) {
  const steps = [...attemptSteps(call), ...waitSteps(call)].sort((one, other) => one.atMs - other.atMs);
  const wholeMs = Math.max(call.durationMs ?? 0, ...steps.map((step) => step.atMs + step.tookMs), 1);
  const head = ["step", `0 to ${duration(wholeMs)}`, "took", "what came", "by the rule"];
  return element("table", { class: "timeline" },
    element("caption", { class: "visually-hidden", text: "What was done, in order" }),
    element("thead", {}, element("tr", {}, ...head.map((text) => element("th", { scope: "col", text })))),
    element("tbody", {}, ...steps.map((step) => stepRow(step, wholeMs)), endRow(call, wholeMs)));
}

function attemptSteps(call) {
  const attempts = attemptsOf(call);
  return attempts.map((attempt, index) => ({
    kind: attemptOutcome(attempt),
    atMs: attempt.atMs,
    tookMs: attempt.durationMs ?? 0,
    firstMs: attempt.firstByteMs,
    name: `attempt ${index + 1}`,
    about: [attempt.route, attempt.model !== call.model && attempt.model, movedBefore(call, index)],
    came: cameOf(attempt),
    rule: attempt.rule,
    because: attempt.because,
  }));
}

/** The move between routes that led to an attempt. */
function movedBefore(call, index) {
  if (index === 0) return null;
  const [from, to] = [attemptsOf(call)[index - 1], attemptsOf(call)[index]];
  const move = (call.fallbacks ?? []).find((each) => each.atMs >= from.atMs && each.atMs <= to.atMs && each.to === to.route);
  return move ? `moved from ${move.from}` : null;
}

function cameOf(attempt) {
  if (attempt.cancelled && !attempt.cause) return ["given up: the caller left"];
  const usage = attempt.usage ?? {};
  const used = usage.inputTokens || usage.outputTokens ? `${usage.inputTokens} in, ${usage.outputTokens} out` : null;
  return [
    attempt.status ?? "no response", attempt.cause, attempt.errorType !== String(attempt.status) && attempt.errorType,
    attempt.reusedConnectionDied && "kept connection was closed", attempt.stopReason, used, attempt.costUsd && dollars(attempt.costUsd),
    attempt.partial && "partial",
  ];
}

function waitSteps(call) {
  return (call.waits ?? []).map((wait) => ({
    kind: "wait",
    atMs: wait.atMs,
    tookMs: wait.seconds * 1000,
    name: "wait",
    about: [wait.reason],
    came: [],
    rule: wait.rule,
    because: wait.because,
  }));
}

function stepRow(step, wholeMs) {
  return element("tr", {},
    element("th", { scope: "row" }, element("b", { text: step.name }), " ", quiet(joined(step.about))),
    element("td", { class: "lane" }, lane(step, wholeMs)),
    element("td", { class: "number", text: duration(step.tookMs) }),
    element("td", { class: `came ${step.kind}`, text: joined(step.came) }),
    ruleCell(step.rule, step.because));
}

function endRow(call, wholeMs) {
  const outcome = outcomeOf(call);
  const got = outcome === "left" ? "the caller left" : joined([call.status ?? "nothing", call.errorType, call.interrupted && "broke off"]);
  const name = call.route === "none" ? "the sidecar's own answer" : `delivered from ${call.route}`;
  return element("tr", { class: "end" },
    element("th", { scope: "row" }, element("b", { text: outcome === "left" ? "end" : name })),
    element("td", { class: "lane" }, lane({ kind: outcome, atMs: call.durationMs ?? 0, tookMs: 0 }, wholeMs)),
    element("td", { class: "number", text: duration(call.durationMs) }),
    element("td", { class: `came ${outcome}`, text: got }),
    ruleCell(call.endRule, call.endBecause));
}

/** A bar from a step's beginning to its end; within an attempt's, the time before its first byte is a thin line. */
function lane(step, wholeMs) {
  const span = element("i", { class: `span ${step.kind}` });
  span.style.left = `${(100 * step.atMs) / wholeMs}%`;
  span.style.width = `${(100 * step.tookMs) / wholeMs}%`;
  if (step.firstMs > 0 && step.tookMs > 0) {
    const silent = element("i", { class: "silent" });
    silent.style.width = `${Math.min(100, (100 * step.firstMs) / step.tookMs)}%`;
    span.append(silent);
  }
  return element("span", { class: "track", "aria-hidden": "true" }, span);
}

function ruleCell(rule, because) {
  return element("td", { class: "rule" }, rule && element("b", { text: rule }), because && rule && " ", because && quiet(because));
}

const quiet = (text) => element("span", { class: "quiet", text });
const joined = (parts) => parts.filter((part) => part !== null && part !== undefined && part !== false && part !== "").join(" · ");
