// The last hour by the minute: calls upwards, those that failed downwards, so that few failures among many
// calls are seen, and told apart by more than colour.
import { byId, setText } from "./elements.js";
import { count, counted, timeOf } from "./figures.js";

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT] = [600, 100];
const LEAST = 3;
const KINDS = ["ok", "cured", "failed"];

function drawn(name, attributes = {}) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function makeMinute() {
  const minute = drawn("g");
  minute.append(drawn("title"), drawn("rect", { class: "ground", y: 0, height: HEIGHT }),
    ...KINDS.map((kind) => drawn("rect", { class: kind })));
  return minute;
}

export function showMinutes(minutes) {
  const chart = byId("minutes");
  while (chart.children.length < minutes.length) chart.append(makeMinute());
  while (chart.children.length > minutes.length) chart.lastElementChild.remove();
  const up = Math.max(1, ...minutes.map((minute) => minute.calls - minute.failed));
  const down = Math.max(0, ...minutes.map((minute) => minute.failed));
  const unit = (HEIGHT - 2 * LEAST) / (up + down);
  const base = LEAST + up * unit;
  minutes.forEach((minute, index) => drawMinute(chart.children[index], minute, index, minutes.length, unit, base));
  describe(chart, minutes);
}

function drawMinute(group, minute, index, of, unit, base) {
  const { calls, failed, cured } = minute;
  const width = WIDTH / of;
  const heights = { ok: tall(calls - failed - cured, unit), cured: tall(cured, unit), failed: tall(failed, unit) };
  const tops = { ok: base - heights.ok, cured: base - heights.ok - heights.cured, failed: base };
  const [title, ground, ...bars] = group.children;
  setText(title, `${timeOf(minute.at)}: ${counted(calls, "call")}, ${count(cured)} cured, ${count(failed)} failed`);
  place(ground, index * width, width);
  KINDS.forEach((kind, at) => {
    place(bars[at], index * width + 1, width - 2);
    bars[at].setAttribute("y", tops[kind]);
    bars[at].setAttribute("height", heights[kind]);
  });
}

const tall = (calls, unit) => (calls > 0 ? Math.max(LEAST, calls * unit) : 0);

function place(rect, x, width) {
  rect.setAttribute("x", x);
  rect.setAttribute("width", width);
}

function describe(chart, minutes) {
  const sum = (kind) => minutes.reduce((all, minute) => all + minute[kind], 0);
  const most = Math.max(0, ...minutes.map((minute) => minute.calls));
  chart.setAttribute("aria-label", `In the last hour ${counted(sum("calls"), "call")}: ${count(sum("cured"))} cured, `
    + `${count(sum("failed"))} failed; at most ${counted(most, "call")} in a minute.`);
  setText(byId("minutes-most"), most ? `, at most ${counted(most, "call")} a minute` : ": no calls");
}
