"""What a spec means, however it is written: every default filled in, and the hash that names it."""

import hashlib
import json
from dataclasses import astuple
from decimal import Decimal
from operator import itemgetter
from typing import Any, Literal

from claude_sidecar.causes import CAUSE_ORDER
from claude_sidecar.schema.claude_policy import ClaudePolicy
from claude_sidecar.schema.endpoint import parse_endpoint


def effective_spec(policy: ClaudePolicy) -> dict[str, Any]:
    """The spec with every default filled in, as JSON-able data; values are as written."""
    return _filled_in(policy, "json")


def spec_hash(policy: ClaudePolicy) -> str:
    """The first 16 hex digits of the SHA-256 over what a spec means; two of one meaning have one hash.

    Durations are seconds, prices numbers, endpoints places; names of headers have no case; and causes, a
    route's models, substitutions and prices have no order. `insecure` means nothing of its own: it says that
    an endpoint may be written, and the endpoint says all.
    """
    spec = _filled_in(policy, "python")
    for route in spec["routes"]:
        route["endpoint"] = astuple(parse_endpoint(route["endpoint"]))
        del route["insecure"]
        if "models" in route:
            route["models"] = sorted(route["models"], key=itemgetter("name"))
    fallback, telemetry = spec["fallback"], spec["telemetry"]
    fallback["substitutions"] = sorted(fallback["substitutions"], key=itemgetter("model"))
    telemetry["featureHeader"] = telemetry["featureHeader"].lower()
    spec["prices"] = sorted(spec["prices"], key=itemgetter("model"))
    canonical = json.dumps(spec, sort_keys=True, separators=(",", ":"), default=_number)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _filled_in(policy: ClaudePolicy, mode: Literal["json", "python"]) -> dict[str, Any]:
    spec: dict[str, Any] = policy.spec.model_dump(mode=mode, by_alias=True, exclude_none=True)
    for route, model in zip(spec["routes"], policy.spec.routes, strict=True):
        route["endpoint"] = model.endpoint or model.provider.default_endpoint
        for entry in route.get("models", ()):
            entry.setdefault("id", entry["name"])
    for price, written in zip(spec["prices"], policy.spec.prices, strict=True):
        if (hour := written.hour_write_per_mtok) is not None:
            price.setdefault("cacheWrite1hPerMTok", hour if mode == "python" else f"{hour.normalize():f}")
    order = [cause.value for cause in CAUSE_ORDER]
    for part in ("retry", "fallback"):
        spec[part]["causes"] = sorted(spec[part]["causes"], key=order.index)
    return spec


def _number(price: Any) -> str:
    """A price without the zeros that say nothing; all else is plain JSON."""
    if not isinstance(price, Decimal):
        raise TypeError(f"{type(price).__name__} has no place in a policy")
    return str(price.normalize())
