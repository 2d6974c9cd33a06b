// Rate limits as the responses tell them: what remains of each, by route and group of models.
import { bar, setBar } from "./bars.js";
import { byId, element, keepRows, setText } from "./elements.js";
import { count, share, timeOf } from "./figures.js";

const [NEAR, NEARER] = [75, 90];

/** now: when the limits were told of, by the sidecar's clock. */
export function showLimits(limits, now) {
  byId("no-limits").hidden = limits.length > 0;
  const keyOf = (each) => `${each.route}\n${each.group}\n${each.limit}`;
  keepRows(byId("limits"), limits, keyOf, makeLimit, (row, limit) => updateLimit(row, limit, Date.parse(now)));
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
  const told = [limit.resetsAt && `full again ${timeOf(limit.resetsAt)}`, limit.toldAt && `told ${timeOf(limit.toldAt)}`];
  setText(row.querySelector(".reset"), told.filter(Boolean).join(" · "));
}

/** What a limit has left; a response tells only what was left then. */
function leftOf({ remaining, of, nearPercent, resetsAt }, nowMs) {
  if (nearPercent === null) return `${count(remaining)} left when it was told`;
  if (resetsAt && Date.parse(resetsAt) <= nowMs) return "full again by now";
  return of > 0 ? `${share(remaining, of)} left: ${count(remaining)} of ${count(of)}` : `${count(remaining)} left`;
}
