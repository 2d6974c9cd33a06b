"""The difference between two manifests as a JSON patch (RFC 6902)."""

from collections.abc import Iterator
from typing import Any

from claude_operator.inject.json_value import Object


def patch(before: Any, after: Any, path: str = "") -> list[Object]:
    """Operations that make `before` into `after`; none where they are the same.

    Lists of named things, such as containers, are compared by name, so that an inserted one does not rewrite
    those that follow: other webhooks may have worked on them. path: where the values are, as a JSON pointer.
    """
    return [*_difference(before, after, path)]


def _difference(before: Any, after: Any, path: str) -> Iterator[Object]:
    if before == after and type(before) is type(after):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _of_objects(before, after, path)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _of_lists(before, after, path)
    else:
        yield {"op": "replace", "path": path, "value": after}


def _of_objects(before: Object, after: Object, path: str) -> Iterator[Object]:
    for key in before:
        if key not in after:
            yield {"op": "remove", "path": _below(path, key)}
    for key, value in after.items():
        if key in before:
            yield from _difference(before[key], value, _below(path, key))
        else:
            yield {"op": "add", "path": _below(path, key), "value": value}


def _of_lists(before: list[Any], after: list[Any], path: str) -> Iterator[Object]:
    kept = _kept(before, after)
    if kept is None and len(before) == len(after):
        kept = {at: at for at in range(len(after))}
    if kept is None:
        yield {"op": "replace", "path": path, "value": after}
        return
    for at, value in enumerate(after):
        if at in kept:
            yield from _difference(before[kept[at]], value, f"{path}/{at}")
        else:
            yield {"op": "add", "path": f"{path}/{at}", "value": value}


def _kept(before: list[Any], after: list[Any]) -> dict[int, int] | None:
    """Where each old item is in the new list, if all are still there in their order; else None."""
    kept: dict[int, int] = {}
    at = 0
    for old_at, old in enumerate(before):
        while at < len(after) and not _same(old, after[at]):
            at += 1
        if at == len(after):
            return None
        kept[at] = old_at
        at += 1
    return kept


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict) and "name" in one:
        return bool(one["name"] == other.get("name"))
    return bool(one == other)


def _below(path: str, key: str) -> str:
    return f"{path}/{key.replace('~', '~0').replace('/', '~1')}"
