// Traffic over the chosen time: the sums as tiles, then by one dimension as a table.
import { showDimension, onDimension } from "./dimensions.js";
import { byId, element, keepRows, setText } from "./elements.js";
import { count, dollars, duration, share, tokens } from "./figures.js";

let last = null;
let chosen = "5m";

/** Listen to the switch of time and to the tabs. */
export function startTraffic() {
  byId("windows").addEventListener("change", (event) => {
    chosen = event.target.value;
    render();
  });
  // A browser may bring back what was chosen before a reload.
  chosen = byId("windows").querySelector("input:checked").value;
  onDimension(render);
}

export function showTraffic(overview) {
  last = overview;
  render();
}

function render() {
  const rollup = last?.rollups?.[chosen];
  if (!rollup) return;
  keepRows(byId("tiles"), tilesOf(rollup), (tile) => tile.name, makeTile, updateTile);
  showDimension(rollup);
}

function tilesOf(sums) {
  const each = sums.calls ? (sums.attempts / sums.calls).toFixed(2) : "–";
  const tiles = [
    { name: "calls", value: count(sums.calls), note: sums.left ? `${count(sums.left)} left by the caller` : "" },
    { name: "failed", value: count(sums.failed), note: share(sums.failed, sums.calls), tone: sums.failed ? "bad" : "" },
    { name: "cured", value: count(sums.cured), note: share(sums.cured, sums.calls), tone: sums.cured ? "cured" : "" },
    { name: "attempts", value: count(sums.attempts), note: `${each} a call` },
    { name: "waited", value: duration((sums.waitedSeconds ?? 0) * 1000), note: "between attempts" },
    { name: "tokens in", value: tokens(sums.inputTokens), note: cacheNote(sums) },
    { name: "tokens out", value: tokens(sums.outputTokens), note: "" },
  ];
  if (sums.costUsd !== null && sums.costUsd !== undefined) {
    const unpriced = sums.unpricedTokens ? `${tokens(sums.unpricedTokens)} tokens without a price` : "all attempts";
    tiles.push({ name: "cost", value: dollars(sums.costUsd), note: unpriced });
  }
  return tiles;
}

const cacheNote = (sums) =>
  sums.cacheReadTokens || sums.cacheCreationTokens
    ? `cache: ${tokens(sums.cacheReadTokens)} read, ${tokens(sums.cacheCreationTokens)} made`
    : "";

function makeTile(tile) {
  return element("div", { class: "tile" },
    element("dt", { text: tile.name }), element("dd", { class: "value" }), element("dd", { class: "note" }));
}

function updateTile(row, tile) {
  row.dataset.tone = tile.tone ?? "";
  setText(row.querySelector(".value"), tile.value);
  setText(row.querySelector(".note"), tile.note);
}

