// What needs a person: one line a trouble, with what to do about it.
import { byId, element, keepRows, setText } from "./elements.js";

const WINDOWS = { "5m": "last 5 min", "1h": "last hour", start: "since start" };
let before = null;

export function showTroubles(troubles, policyName) {
  keepRows(byId("troubles"), troubles, (trouble) => trouble.id, makeTrouble, updateTrouble);
  setText(byId("no-troubles"), "Nothing needs you.");
  byId("no-troubles").hidden = troubles.length > 0;
  const most = troubles.filter((trouble) => trouble.severity !== "watch").length;
  document.title = `${most ? `(${most}) ` : ""}${policyName ? `${policyName} · ` : ""}claude-sidecar`;
  announce(troubles);
}

/** Read new troubles out, once each, and that the last one is gone. */
function announce(troubles) {
  const ids = new Set(troubles.map((trouble) => trouble.id));
  if (before !== null) {
    const fresh = troubles.filter((trouble) => !before.has(trouble.id));
    const said = fresh.map((trouble) => `${trouble.what.replace(/\.$/, "")}. ${trouble.fix ?? ""}`).join(" ");
    if (said) setText(byId("announcements"), said.replaceAll("`", ""));
    else if (before.size && !ids.size) setText(byId("announcements"), "Nothing needs you any more.");
  }
  before = ids;
}

/** Set a text whose commands and fields stand between backticks. */
function setMarked(node, text) {
  const parts = text.split("`");
  const isWhole = parts.length % 2 === 1;
  if (!isWhole) setText(node, text);
  else if (node.textContent !== parts.join(""))
    node.replaceChildren(...parts.map((part, index) => (index % 2 ? element("code", { text: part }) : part)));
}

function makeTrouble() {
  return element("li", {},
    element("span", { class: "urgency" }),
    element("div", {}, element("p", { class: "what" }), element("p", { class: "fix" })),
    element("p", { class: "more-about" }));
}

function updateTrouble(row, trouble) {
  const urgency = trouble.severity === "fix" ? "fix" : "watch";
  row.dataset.urgency = urgency;
  setText(row.querySelector(".urgency"), urgency);
  setText(row.querySelector(".what"), trouble.what);
  setMarked(row.querySelector(".fix"), trouble.fix ?? "");
  const about = [WINDOWS[trouble.window] ?? trouble.window, trouble.link && `docs/${trouble.link}`];
  setText(row.querySelector(".more-about"), about.filter(Boolean).join(" · "));
}
