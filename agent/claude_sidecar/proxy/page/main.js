// Wires the page: what the sidecar tells goes to the part that shows it.
import { startCalls, takeCalls } from "./calls.js";
import { byId, setText } from "./elements.js";
import { Feed } from "./feed.js";
import { bytes, counted } from "./figures.js";
import { showConnection, showHeading } from "./heading.js";
import { showLimits, startLimits } from "./limits.js";
import { showMinutes } from "./minutes.js";
import { showRoutes } from "./routes.js";
import { showTraffic, startTraffic } from "./traffic.js";
import { showTroubles } from "./troubles.js";

function showOverview(overview) {
  showHeading(overview);
  showTroubles(overview.troubles ?? [], overview.policy?.name);
  showTraffic(overview);
  showMinutes(overview.minutes ?? []);
  showLimits(overview.limits ?? [], overview.now);
  showRoutes(overview.routes ?? []);
  const kept = overview.recorder;
  setText(byId("recorder"), kept ? `${counted(kept.calls, "call")} kept in ${bytes(kept.bytes)} of at most ${bytes(kept.mostBytes)}` : "");
}

/** The policy is long and seldom wanted: asked for when it is opened. */
async function showPolicy() {
  if (!byId("policy").open) return;
  const text = await fetch("/policy").then((answer) => (answer.ok ? answer.json() : null)).catch(() => null);
  setText(byId("policy-text"), text === null ? "The sidecar could not be reached." : JSON.stringify(text, null, 2));
}

startTraffic();
startLimits();
startCalls();
byId("policy").addEventListener("toggle", showPolicy);
new Feed({ overview: showOverview, calls: takeCalls, state: showConnection }).start();
