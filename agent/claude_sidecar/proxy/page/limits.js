// Rate limits as the responses tell them: what remains of each, by route and group of models.
import { bar, setBar } from "./bars.js";
import { byId, element, keepRows, setText } from "./elements.js";
import { count, share, timeOf } from "./figures.js";

const [NEAR, NEARER] = [75, 90];
const FEW = 4;

let whole = false;
let again = () => {};

/** Listen to the button that shows all limits. */
export function startLimits() {
  byId("more-limits").addEventListener("click", () => {
    whole = !whole;
    again();
  });
}

/** now: when the limits were told of, by the sidecar's clock. */
export function showLimits(limits, now) {
  again = () => showLimits(limits, now);
  const nowMs = Date.parse(now);
  const keyOf = (each) => `${each.route}\n${each.group}\n${each.limit}`;
  // What is full again needs nobody's eye.
  const nearest = limits.filter((each) => !isOver(each, nowMs)).slice(0, FEW);
  const seen = whole ? limits : nearest;
  keepRows(byId("limits"), seen, keyOf, makeLimit, (row, limit) => updateLimit(row, limit, nowMs));
  byId("no-limits").hidden = seen.length > 0;
  setText(byId("no-limits"), limits.length ? "All limits that were told are full again by now." : "No response has told a limit yet.");
  byId("more-limits").hidden = nearest.length === limits.length;
  setText(byId("more-limits"), whole ? "Only the nearest" : `All ${limits.length}`);
}

function makeLimit(limit) {
  return element("li", {},
    element("p", { class: "which" },
      element("b", { text: limit.limit }), " ", element("span", { class: "quiet group", text: [limit.group, limit.route].filter(Boolean).join(" · ") })),
    element("p", { class: "left" }),
    bar("rest"),
    element("p", { class: "quiet reset" }));
}

function updateLimit(row, limit, nowMs) {
  const used = limit.nearPercent;
  row.dataset.tone = used === null || used < NEAR ? "" : used < NEARER ? "low" : "bad";
  setText(row.querySelector(".left"), leftOf(limit, nowMs));
  setBar(row.querySelector(".bar"), [used === null ? 0 : 100 - used], 100);
  const isFull = isOver(limit, nowMs);
  setText(row.querySelector(".reset"), limit.resetsAt && !isFull ? `full again ${timeOf(limit.resetsAt)}` : `told ${timeOf(limit.toldAt)}`);
}

const isOver = ({ resetsAt }, nowMs) => Boolean(resetsAt) && Date.parse(resetsAt) <= nowMs;

/** What a limit has left; a response tells only what was left then. */
function leftOf(limit, nowMs) {
  const { remaining, of, nearPercent } = limit;
  if (nearPercent === null) return `${count(remaining)} left when it was told`;
  if (isOver(limit, nowMs)) return "full again by now";
  return of > 0 ? `${share(remaining, of)} left: ${count(remaining)} of ${count(of)}` : `${count(remaining)} left`;
}
