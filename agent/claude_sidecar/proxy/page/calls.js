// The last calls, newest first. A row opens into its timeline. While somebody reads one, new calls are held back
// behind a button: a list that moves under the eye cannot be read.
import { detailOf } from "./call_detail.js";
import { byId, element, keepRows, setText } from "./elements.js";
import { count, counted, duration, timeOf } from "./figures.js";
import { attemptOutcome, attemptsOf, isTroubled, outcomeOf, searchedText } from "./outcome.js";

const KEPT = 500;
const PAGE = 50;
const COLUMNS = 9;

let all = [];
let listed = [];
let most = PAGE;
const open = new Set();
const texts = new WeakMap();

export function startCalls() {
  byId("wanted").addEventListener("input", again);
  byId("troubled").addEventListener("change", again);
  byId("held-calls").addEventListener("click", catchUp);
  byId("more-calls").addEventListener("click", () => {
    most += PAGE;
    render();
  });
  byId("export").addEventListener("click", () => (byId("commands").open = true));
}

/** Take calls: the whole list, newest first, or those that ended since, oldest first. */
export function takeCalls(calls, isWhole) {
  const newest = isWhole ? calls : [...calls].reverse();
  const fresh = new Set(newest.map((call) => call.callId));
  const before = isWhole ? [] : all.filter((call) => !fresh.has(call.callId));
  all = [...newest, ...before].slice(0, KEPT);
  if (!isRead() || listed.length === 0) listed = all;
  render();
}

/** Show the calls that contain a text, wherever the wish comes from. */
export function filterCalls(text) {
  byId("wanted").value = text;
  again();
  byId("calls").scrollIntoView();
  byId("wanted").focus({ preventScroll: true });
}

function again() {
  most = PAGE;
  listed = all;
  render();
}

function catchUp() {
  open.clear();
  again();
  byId("call-table").querySelector("button")?.focus();
}

const isRead = () => open.size > 0 || byId("call-table").contains(document.activeElement);

function render() {
  const wanted = listed.filter(isWanted);
  const seen = wanted.slice(0, most);
  keepRows(byId("call-table"), seen, (call) => call.callId, makeCall, () => {});
  const ids = new Set(seen.map((call) => call.callId));
  for (const id of open) if (!ids.has(id)) open.delete(id);
  byId("call-table").hidden = seen.length === 0;
  byId("no-calls").hidden = seen.length > 0;
  setText(byId("no-calls"), listed.length ? "None of the last calls is like that." : "No calls yet. Point an app at the sidecar and they appear here.");
  const more = byId("more-calls");
  more.hidden = wanted.length <= most;
  setText(more, `${Math.min(PAGE, wanted.length - most)} more of ${count(wanted.length)}`);
  showHeld();
}

function showHeld() {
  const newest = listed[0]?.callId;
  const ahead = newest === undefined ? 0 : all.findIndex((call) => call.callId === newest);
  const held = ahead < 0 ? all.length : ahead;
  byId("held-calls").hidden = held === 0;
  if (held > 0) setText(byId("held-calls"), `Show ${counted(held, "new call")}`);
}

function isWanted(call) {
  if (byId("troubled").checked && !isTroubled(call)) return false;
  const words = byId("wanted").value.trim().toLowerCase();
  if (words === "") return true;
  if (!texts.has(call)) texts.set(call, searchedText(call));
  return texts.get(call).includes(words);
}

function makeCall(call) {
  const outcome = outcomeOf(call);
  const opener = element("button", { type: "button", class: "opener", "aria-expanded": "false", text: timeOf(call.startedAt) });
  const row = element("tr", { class: "call" },
    element("th", { scope: "row" }, opener),
    element("td", { class: "status" }, element("span", { class: `state ${outcome}`, text: outcome }), " ", cellText([call.status, call.errorType])),
    element("td", { class: "name model", text: call.model ?? call.path }),
    element("td", { class: "name key", text: call.key === "none" ? "–" : call.key }),
    element("td", { class: "name feature", text: call.feature ?? "–" }),
    element("td", { class: "name route", text: call.route === "none" ? "–" : call.route }),
    element("td", { class: "attempts" }, String(attemptsOf(call).length), " ", ticks(call)),
    element("td", { class: "number took", text: duration(call.durationMs) }),
    element("td", { class: "know quiet", text: call.hint ?? causesOf(call) }));
  const group = element("tbody", {}, row);
  // The whole row opens for a pointer; the button is for everybody.
  row.addEventListener("click", (event) => {
    const selects = event.target !== opener && window.getSelection()?.toString();
    if (!selects) toggle(call, group, opener);
  });
  return group;
}

const cellText = (parts) => parts.filter((part) => part !== null && part !== undefined).join(" ");

/** Why attempts of a call failed, each cause once. */
const causesOf = (call) => [...new Set(attemptsOf(call).map((each) => each.cause).filter(Boolean))].join(", ");

/** A small square for each attempt, as long as they are few. */
function ticks(call) {
  const kinds = attemptsOf(call).slice(0, 8).map(attemptOutcome);
  return element("span", { class: "ticks", "aria-hidden": "true" }, ...kinds.map((kind) => element("i", { class: kind })));
}

function toggle(call, group, opener) {
  const opens = !open.has(call.callId);
  if (opens) {
    open.add(call.callId);
    group.append(element("tr", { class: "opened" }, element("td", { colspan: COLUMNS }, detailOf(call))));
  } else {
    open.delete(call.callId);
    group.querySelector(".opened").remove();
  }
  opener.setAttribute("aria-expanded", String(opens));
  group.classList.toggle("open", opens);
}
