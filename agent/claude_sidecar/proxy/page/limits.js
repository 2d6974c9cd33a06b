// Rate limits as the responses tell them: what remains of each, by route and group of models.
import { bar, setBar } from "./bars.js";
import { byId, element, keepRows, setText } from "./elements.js";
import { count, share, timeOf } from "./figures.js";

const [LOW, LOWER] = [0.25, 0.1];

export function showLimits(limits) {
  byId("no-limits").hidden = limits.length > 0;
  keepRows(byId("limits"), limits, (each) => `${each.route}\n${each.group}\n${each.limit}`, makeLimit, updateLimit);
}

function makeLimit(limit) {
  return element("li", {},
    element("p", { class: "which" },
      element("b", { text: limit.limit }), " ", element("span", { class: "quiet group", text: [limit.group, limit.route].filter(Boolean).join(" · ") })),
    element("p", { class: "left" }),
    bar("rest"),
    element("p", { class: "quiet reset" }));
}

function updateLimit(row, limit) {
  const { remaining, of } = limit;
  const rest = of > 0 ? remaining / of : null;
  row.dataset.tone = rest === null || rest >= LOW ? "" : rest < LOWER ? "bad" : "low";
  setText(row.querySelector(".left"), of > 0 ? `${share(remaining, of)} left: ${count(remaining)} of ${count(of)}` : `${count(remaining)} left`);
  setBar(row.querySelector(".bar"), [remaining ?? 0], of);
  const told = [limit.resetsAt && `full again ${timeOf(limit.resetsAt)}`, limit.toldAt && `told ${timeOf(limit.toldAt)}`];
  setText(row.querySelector(".reset"), told.filter(Boolean).join(" · "));
}
