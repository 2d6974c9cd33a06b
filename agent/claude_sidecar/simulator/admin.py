"""`/_simulator/`: the ledger, the scenario in force, and whether the simulator is up."""

from typing import TYPE_CHECKING

from aiohttp import web

from claude_sidecar.simulator import scenario_file

if TYPE_CHECKING:
    from claude_sidecar.simulator.app import Simulator

_MOST_BYTES = 4 * 1024 * 1024


async def handle(simulator: "Simulator", request: web.BaseRequest) -> web.StreamResponse:
    """Answer a request below `/_simulator/`."""
    match request.method, request.path:
        case ("GET", "/_simulator/health"):
            return web.json_response({"status": "ok", "seed": simulator.seed})
        case ("GET", "/_simulator/ledger"):
            after = request.url.query.get("after", "0")
            if not after.isdigit():
                return _wrong(["after: the number of a call is wanted"])
            return web.json_response(simulator.ledger.payload(int(after)))
        case ("DELETE", "/_simulator/ledger"):
            simulator.ledger.clear()
            return web.Response(status=204)
        case ("PUT", "/_simulator/scenario"):
            raw = await request.content.read(_MOST_BYTES + 1)
            while len(raw) <= _MOST_BYTES and (piece := await request.content.read(_MOST_BYTES)):
                raw += piece
            try:
                simulator.use(scenario_file.parse(raw))
            except scenario_file.ScenarioError as error:
                return _wrong(error.problems)
            return web.json_response({"rules": len(simulator.scenario.rules)})
    known = "GET health, GET or DELETE ledger, PUT scenario"
    return web.json_response({"errors": [f"unknown: there are {known}"]}, status=404)


def _wrong(problems: list[str]) -> web.Response:
    return web.json_response({"errors": problems}, status=400)
