"""What the fields of a policy's spec must be to one another; fields alone are checked by their types.

The rules read plain data, which may be malformed elsewhere, so that a file's faults are all found at once.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from claude_sidecar.schema.durations import Duration
from claude_sidecar.schema.endpoint import is_loopback, parse_endpoint

_DATED = re.compile(r"(-\d{8}|-latest)$")


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken rule; `loc` is where, from the spec's root."""

    loc: tuple[str | int, ...]
    message: str


def violations(spec: Any) -> list[Violation]:
    """All rules that a spec breaks.

    spec: plain data as in the file; parts of a wrong type are passed over, their types are judged elsewhere.
    """
    found: list[Violation] = []
    routes = _items(_mapping(spec).get("routes"))
    found += _repeated(routes, "name", ("routes",), "another route has this name; route names must be unique")
    for index, route in routes:
        found += _route(route, ("routes", index))
    found += _backoff(_mapping(_mapping(_mapping(spec).get("retry")).get("backoff")))
    found += _substitutions(_items(_mapping(_mapping(spec).get("fallback")).get("substitutions")))
    prices = _items(_mapping(spec).get("prices"))
    found += _repeated(prices, "model", ("prices",), "this model already has a price; give each model one")
    return found


def _route(route: dict[str, Any], loc: tuple[str | int, ...]) -> Iterator[Violation]:
    endpoint = route.get("endpoint")
    if isinstance(endpoint, str) and route.get("insecure") != "Allow" and _leaves_in_clear_text(endpoint):
        yield Violation(
            (*loc, "endpoint"),
            "http:// sends the key in clear text and is allowed for loopback only; "
            "use https://, or set `insecure: Allow` on the route",
        )
    if isinstance(credential := route.get("credential"), dict):
        yield from _credential(credential, (*loc, "credential"))
    models = _items(route.get("models"))
    yield from _repeated(models, "name", (*loc, "models"), "the route already lists this model")
    yield from _mixed_ids(models, (*loc, "models"))


def _leaves_in_clear_text(endpoint: str) -> bool:
    try:
        parsed = parse_endpoint(endpoint)
    except ValueError:
        return False  # the endpoint's own fault is told where it is parsed
    return parsed.scheme == "http" and not is_loopback(parsed.host)


def _credential(credential: dict[str, Any], loc: tuple[str | int, ...]) -> Iterator[Violation]:
    for where in (("secretKeyRef", "name"), ("secretKeyRef", "key"), ("file",), ("env",)):
        text: Any = credential
        for part in where:
            text = _mapping(text).get(part)
        if isinstance(text, str) and text.startswith("sk-ant-"):
            yield Violation((*loc, *where), "looks like a key itself; name the place where the key is kept")
    kinds = ("secretKeyRef", "file", "env")
    given = [kind for kind in kinds if credential.get(kind) is not None]
    if len(given) > 1:
        yield Violation(loc, f"has {' and '.join(given)}; give exactly one of {', '.join(kinds)}")
    elif not given:
        yield Violation(
            loc,
            f"names no source; give exactly one of {', '.join(kinds)}, "
            "or leave `credential` out to forward the caller's own",
        )


def _mixed_ids(models: list[tuple[int, dict[str, Any]]], loc: tuple[str | int, ...]) -> Iterator[Violation]:
    """Two names for one id are one model under its plain and its dated name, or a hidden substitution."""
    owners: dict[str, str] = {}
    for index, model in models:
        name = model.get("name")
        identifier = model.get("id") or name
        if not isinstance(name, str) or not isinstance(identifier, str):
            continue
        owner = owners.setdefault(identifier, name)
        if _DATED.sub("", owner) != _DATED.sub("", name):
            yield Violation(
                (*loc, index, "id"),
                f"is already the id of {owner}: {name} would be answered by another model; "
                "name such a swap in `fallback.substitutions`",
            )


def _backoff(backoff: dict[str, Any]) -> Iterator[Violation]:
    try:
        initial, longest = Duration(backoff.get("initial", "1s")), Duration(backoff.get("max", "30s"))
    except (TypeError, ValueError):
        return
    if initial > longest:
        where = "initial" if "initial" in backoff else "max"
        yield Violation(("retry", "backoff", where), "`initial` must not be longer than `max`")


def _substitutions(substitutions: list[tuple[int, dict[str, Any]]]) -> Iterator[Violation]:
    loc = ("fallback", "substitutions")
    yield from _repeated(
        substitutions, "model", loc, "this model already has a substitution; list all in one"
    )
    for index, substitution in substitutions:
        substitutes = substitution.get("with")
        if not isinstance(substitutes, list | tuple):
            continue
        for position, name in enumerate(substitutes):
            where = (*loc, index, "with", position)
            if name == substitution.get("model"):
                yield Violation(where, "is the model itself; name another model")
            elif name in substitutes[:position]:
                yield Violation(where, f"names {name} twice; name each model once")


def _repeated(
    items: list[tuple[int, dict[str, Any]]], key: str, loc: tuple[str | int, ...], message: str
) -> Iterator[Violation]:
    seen: set[str] = set()
    for index, item in items:
        value = item.get(key)
        if not isinstance(value, str):
            continue
        if value in seen:
            yield Violation((*loc, index, key), f"{value[:80]!r}: {message}")
        seen.add(value)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _items(value: Any) -> list[tuple[int, dict[str, Any]]]:
    if not isinstance(value, list | tuple):
        return []
    return [(index, item) for index, item in enumerate(value) if isinstance(item, dict)]
