"""Outages made brief, so that they can be lived through: times shorter, calls fewer, the course the same."""

from copy import deepcopy
from typing import Any

LASTS_S = 5.0
CALLS = 41
"""One every 122 ms, of which no multiple is a wait of 1.5 s: calls do not meet the repeats of others."""
_HEAD_S = 0.02


def brief(outage: dict[str, Any]) -> dict[str, Any]:
    """A written outage that is over in seconds; what takes minutes to begin takes 1.5 s."""
    made = deepcopy(outage)
    shorter = LASTS_S / made["lasts"]
    made["lasts"] = LASTS_S
    asked = sum(load["calls_per_second"] * _span(load, outage["lasts"]) for load in outage["load"])
    for load in made["load"]:
        load["calls_per_second"] *= CALLS / asked / shorter
        for end in ("from", "to"):
            if end in load:
                load[end] *= shorter
    made["timing"] = {"first_token": _HEAD_S, "tokens_per_second": 0}
    for route in made["routes"].values():
        for rule in route.get("rules", ()):
            _shorten_rule(rule, shorter)
        if "limits" in route:
            limits = route["limits"]
            limits["rpm"] = round(limits["rpm"] * CALLS / asked / shorter)
            limits["burst_seconds"] *= shorter
    return made


def _span(load: dict[str, Any], lasts_s: float) -> float:
    return load.get("to", lasts_s) - load.get("from", 0)


def _shorten_rule(rule: dict[str, Any], shorter: float) -> None:
    if "window" in rule.get("match", {}):
        rule["match"]["window"] = [end and end * shorter for end in rule["match"]["window"]]
    if "delay" in rule:
        rule["delay"] = _HEAD_S
    if "first_token" in rule:
        rule["first_token"] = 1.5
