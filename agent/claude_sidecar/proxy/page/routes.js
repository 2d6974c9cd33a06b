// Each route: whether calls go there, whether its trouble is one model's or all of its own, what it reaches.
import { byId, element, keepRows, setText } from "./elements.js";
import { counted, isoOfUnix, timeOf } from "./figures.js";

const BREAKERS = {
  closed: ["ok", "breaker closed"],
  probing: ["cured", "breaker probing"],
  open: ["failed", "breaker open"],
};

export function showRoutes(routes) {
  keepRows(byId("routes"), routes, (route) => route.name, makeRoute, updateRoute);
}

function makeRoute(route) {
  return element("li", {},
    element("p", { class: "which" }, element("b", { text: route.name }), " ", element("span", { class: "state" })),
    element("p", { class: "quiet endpoint" }),
    element("p", { class: "trouble" }),
    element("p", { class: "quiet last-error" }),
    element("details", {}, element("summary"), element("p", { class: "quiet" }), element("ul", { class: "models" })));
}

function updateRoute(row, route) {
  const [tone, said] = BREAKERS[route.breaker] ?? ["cured", `breaker ${route.breaker}`];
  const state = row.querySelector(".state");
  state.className = `state ${tone}`;
  setText(state, said);
  setText(row.querySelector(".endpoint"), `${route.endpoint} · ${credentialOf(route)}`);
  setText(row.querySelector(".trouble"), troubleOf(route));
  setText(row.querySelector(".last-error"), lastErrorOf(route.lastError));
  showModels(row, route);
}

function credentialOf(route) {
  return { missing: "its own credential is missing", own: "its own credential", caller: "the caller's credential" }[route.credential] ?? "";
}

function troubleOf(route) {
  if (!route.trouble) return "";
  if (route.trouble === "route") return "Trouble with the whole route: every model that was asked for fails.";
  return `Trouble with one part only: ${route.trouble}. Other models get through.`;
}

function lastErrorOf(error) {
  if (!error) return "no failure seen";
  const said = [error.cause, error.status, error.errorType].filter((each) => each !== null && each !== undefined);
  return `last failure ${timeOf(isoOfUnix(error.unixSeconds))}: ${said.join(" ")}`;
}

function showModels(row, route) {
  const models = (route.models ?? []).filter((each) => each.model !== "*");
  const known = counted(models.length, "model");
  const any = models.length ? `takes any model; ${known} known` : "takes any model";
  setText(row.querySelector("summary"), route.serves ? `reaches ${known}, which the policy names` : any);
  setText(row.querySelector("details .quiet"), models.length ? "" : "No list of models has come through this route: GET /v1/models brings it.");
  keepRows(row.querySelector(".models"), models, (each) => `${each.model} ${each.id}`, () => element("li"), (made, each) => setText(made, nameOf(each)));
}

function nameOf({ model, id, substitute }) {
  if (substitute) return `${model}: ${substitute} instead`;
  return id && id !== model ? `${model} as ${id}` : model;
}
