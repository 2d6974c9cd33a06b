// The top of the page: which policy is in force, and whether what is shown is of now.
import { byId, setText } from "./elements.js";
import { timeOf } from "./figures.js";

let toldAt = null;

const STATES = {
  live: () => "live",
  polling: () => "asked every 5 s: the sidecar's streams are taken",
  lost: () => (toldAt ? `not reachable; as of ${timeOf(toldAt)}` : "not reachable; trying again"),
};

/** Tell how the page is connected: `live`, `polling` or `lost`. */
export function showConnection(state) {
  const chip = byId("connection");
  setText(chip, STATES[state]());
  chip.dataset.state = state;
  document.body.classList.toggle("stale", state === "lost" && toldAt !== null);
}

export function showHeading(overview) {
  const policy = overview.policy ?? {};
  toldAt = overview.now;
  setText(byId("policy-name"), policy.name ?? policy.policy ?? "–");
  const hash = byId("policy-hash");
  setText(hash, (policy.hash ?? "").slice(0, 12));
  hash.title = policy.hash ?? "";
  const source = byId("policy-source");
  setText(source, policy.source ? `from ${policy.source.split("/").pop()}` : "");
  source.title = policy.source ?? "";
  setText(byId("version"), overview.version ? `version ${overview.version}` : "");
  setText(byId("since"), overview.startedAt ? `since ${timeOf(overview.startedAt)}` : "");
  const { lastError } = policy;
  setText(byId("policy-error"), lastError ? `A newer policy was refused, and the one above stays in force: ${lastError}` : "");
  byId("policy-error").hidden = !lastError;
}
