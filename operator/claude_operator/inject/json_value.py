"""The shape of manifests: what JSON can hold."""

from typing import Any, TypeAlias

Object: TypeAlias = dict[str, Any]
"""A manifest or a part of one."""


def annotations_of(manifest: Object) -> Object:
    """The annotations of an object or template; empty where it has none."""
    return (manifest.get("metadata") or {}).get("annotations") or {}


def labels_of(manifest: Object) -> Object:
    """The labels of an object or template; empty where it has none."""
    return (manifest.get("metadata") or {}).get("labels") or {}


def annotate(manifest: Object, key: str, value: str) -> None:
    """Set an annotation, in place."""
    metadata = manifest.get("metadata") or {}
    metadata["annotations"] = {**(metadata.get("annotations") or {}), key: value}
    manifest["metadata"] = metadata
