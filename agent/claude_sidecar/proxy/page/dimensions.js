// Traffic by one dimension: tabs by the pattern of the ARIA Authoring Practices, and a table with small bars.
import { bar, setBar } from "./bars.js";
import { filterCalls } from "./calls.js";
import { byId, element, keepRows, setText } from "./elements.js";
import { count, dollars, tokens } from "./figures.js";

const DIMENSIONS = ["key", "model", "status", "route", "feature", "conversation"];
const FEW = 8;
const OTHERS = { _other: "all others", none: "none", "": "none" };

let chosen = "model";
let whole = false;
let changed = () => {};

/** Make the tabs. render: called when another dimension, or more of it, is wanted. */
export function onDimension(render) {
  changed = render;
  const tabs = DIMENSIONS.map((name) => element("button",
    { type: "button", role: "tab", id: `by-${name}`, "aria-controls": "dimension-panel", text: name, onclick: () => choose(name) }));
  byId("dimensions").append(...tabs);
  byId("dimensions").addEventListener("keydown", moveByKey);
  byId("more-rows").addEventListener("click", () => {
    whole = !whole;
    changed();
  });
  mark();
}

function choose(name) {
  [chosen, whole] = [name, false];
  mark();
  changed();
}

function mark() {
  for (const name of DIMENSIONS) {
    const tab = byId(`by-${name}`);
    tab.setAttribute("aria-selected", String(name === chosen));
    tab.tabIndex = name === chosen ? 0 : -1;
  }
  byId("dimension-panel").setAttribute("aria-labelledby", `by-${chosen}`);
  setText(byId("dimension-name"), chosen);
}

function moveByKey(event) {
  const at = DIMENSIONS.indexOf(chosen);
  const ends = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: DIMENSIONS.length - 1 };
  if (!(event.key in ends)) return;
  event.preventDefault();
  choose(DIMENSIONS[(ends[event.key] + DIMENSIONS.length) % DIMENSIONS.length]);
  byId(`by-${chosen}`).focus();
}

export function showDimension(rollup) {
  const rows = rollup.by?.[chosen] ?? [];
  const most = Math.max(1, ...rows.map((row) => row.calls));
  const seen = whole ? rows : rows.slice(0, FEW);
  const priced = rollup.costUsd !== null && rollup.costUsd !== undefined;
  byId("dimension-panel").classList.toggle("unpriced", !priced);
  byId("dimension-panel").hidden = rows.length === 0;
  byId("no-rows").hidden = rows.length > 0;
  keepRows(byId("dimension-rows"), seen, (row) => `${chosen} ${row.name}`, makeRow, (made, row) => updateRow(made, row, most));
  const more = byId("more-rows");
  more.hidden = rows.length <= FEW;
  setText(more, whole ? `Only the first ${FEW}` : `All ${rows.length}`);
}

function makeRow(row) {
  const name = row.name in OTHERS
    ? element("span", { class: "name quiet", text: OTHERS[row.name] })
    : element("button", { type: "button", class: "name", title: `Show the calls with ${row.name}`, text: row.name,
      onclick: () => filterCalls(row.name) });
  const numbers = ["failed", "cured", "attempts roomy", "in roomy", "out roomy", "cost priced"];
  return element("tr", {},
    element("th", { scope: "row" }, name),
    element("td", { class: "wide" },
      element("span", { class: "calls-of" }, element("span", { class: "count" }), bar("failed", "cured", "ok"))),
    ...numbers.map((kind) => element("td", { class: `number ${kind}` })));
}

function updateRow(made, row, most) {
  const { calls, failed, cured } = row;
  setText(made.querySelector(".count"), count(calls));
  setBar(made.querySelector(".bar"), [failed, cured, Math.max(0, calls - failed - cured)], most);
  const cells = { failed: count(failed), cured: count(cured), attempts: count(row.attempts), in: tokens(row.inputTokens),
    out: tokens(row.outputTokens), cost: dollars(row.costUsd) };
  for (const [kind, text] of Object.entries(cells)) setText(made.querySelector(`td.${kind}`), text);
  made.querySelector("td.failed").classList.toggle("some", failed > 0);
  made.querySelector("td.cured").classList.toggle("some", cured > 0);
}
