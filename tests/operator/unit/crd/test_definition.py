"""The definition in crds/ is fresh and holds nothing that an API server refuses or cannot bound."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from support.project import ROOT

from claude_operator.crd.definition import MAP_LISTS, field_at, spec_schema
from claude_operator.crd.judge import judge
from claude_operator.crd.rules import RULES
from claude_sidecar.causes import FALLBACK, RETRYABLE, Cause
from claude_sidecar.schema.durations import DURATION_PATTERN

CRD = yaml.safe_load((ROOT / "crds" / "claude-sidecar.dev_claudepolicies.yaml").read_text())
VERSION = CRD["spec"]["versions"][0]
SCHEMA = VERSION["schema"]["openAPIV3Schema"]

ALLOWED = {
    "default",
    "description",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "pattern",
    "properties",
    "required",
    "type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
    "x-kubernetes-validations",
}


def nodes(node: dict[str, Any], place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every node of a schema with its place, such as `spec.routes[].name`."""
    yield place, node
    if "items" in node:
        yield from nodes(node["items"], f"{place}[]")
    for name, child in node.get("properties", {}).items():
        yield from nodes(child, f"{place}.{name}")


BELOW = [
    (place, node) for part in ("spec", "status") for place, node in nodes(SCHEMA["properties"][part], part)
]
NODES = [("", SCHEMA), *BELOW]


@pytest.mark.processes
@pytest.mark.parametrize("tool", ["gen_crds.py", "gen_crd_reference.py"])
def test_what_is_generated_is_fresh(tool: str) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / tool), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_schema_uses_only_words_that_a_structural_schema_may_use() -> None:
    assert {place: set(node) - ALLOWED for place, node in NODES if set(node) - ALLOWED} == {}


def test_every_node_states_its_type_and_exclusive_bounds_are_booleans() -> None:
    for place, node in NODES:
        assert node.get("type") in {"array", "boolean", "integer", "number", "object", "string"}, place
        for bound in ("exclusiveMinimum", "exclusiveMaximum"):
            assert isinstance(node.get(bound, True), bool), place


def test_every_field_is_described() -> None:
    assert [place for place, node in BELOW if not place.endswith("[]") and not node.get("description")] == []


@pytest.mark.parametrize(("place", "allowed"), [("retry.causes", RETRYABLE), ("fallback.causes", FALLBACK)])
def test_descriptions_of_causes_name_each_allowed_value_and_say_how_it_is_seen(
    place: str, allowed: frozenset[Cause]
) -> None:
    described = field_at(spec_schema(), place)["description"]
    assert [cause for cause in Cause if f"- `{cause}`: {cause.row.seen_as}. " in described] == [
        cause for cause in Cause if cause in allowed
    ]


def test_descriptions_tell_the_defaults_that_kubectl_does_not_show() -> None:
    for place, node in nodes(spec_schema(), ""):
        default = node.get("default")
        if isinstance(default, bool | int | str):
            told = str(default).lower() if isinstance(default, bool) else default
            assert node["description"].endswith(f"Default: {told}."), place


def test_a_value_that_is_listed_but_refused_says_so_in_its_description_and_in_the_reference() -> None:
    listed = {
        (place, value, node["description"])
        for place, node in NODES
        for value in node.get("enum", ())
        for rule in node.get("x-kubernetes-validations", ())
        if rule["rule"] == f"self != '{value}'"
    }
    assert [(place, value) for place, value, _ in listed] == [("spec.pacing.mode", "Enforce")]
    assert all(
        f"`{value}` is refused: not implemented yet" in description for _, value, description in listed
    )
    assert "`Enforce` (refused: not implemented yet)" in (ROOT / "docs/crd.md").read_text()


def test_descriptions_do_not_wrap_lines_themselves() -> None:
    for place, node in nodes(spec_schema(), ""):
        for paragraph in node.get("description", "").split("\n\n"):
            assert "\n" not in paragraph or all(line.startswith("- `") for line in paragraph.split("\n")), (
                place
            )


def test_definition_is_small_enough_for_kubectl_apply() -> None:
    """The whole object goes into an annotation, and those have room for 256 KiB."""
    assert len(json.dumps(CRD)) < 128 * 1024


def test_every_string_and_list_is_bounded_so_that_rules_have_a_price() -> None:
    for place, node in NODES:
        if node["type"] == "string":
            assert "maxLength" in node or "enum" in node, place
        if node["type"] == "array":
            assert "maxItems" in node, place
        if node["type"] == "object":
            assert "properties" in node, place


def test_every_list_says_how_appliers_share_it() -> None:
    kinds = {place: node["x-kubernetes-list-type"] for place, node in BELOW if node["type"] == "array"}
    maps = {place for place, kind in kinds.items() if kind == "map"}
    assert kinds["spec.routes"] == "atomic"
    assert maps == {f"spec.{place}" for place in MAP_LISTS} | {"status.conditions"}
    for place, node in BELOW:
        for key in node.get("x-kubernetes-list-map-keys", ()):
            assert key in node["items"]["required"], place


def test_lists_with_defaults_are_atomic_so_that_an_applier_can_shorten_them() -> None:
    for place, node in BELOW:
        if node.get("default") and node["type"] == "array":
            assert node["x-kubernetes-list-type"] == "atomic", place


def test_every_field_of_the_spec_is_required_optional_or_has_a_default_down_from_the_root() -> None:
    defaults = {place for place, node in BELOW if place.startswith("spec") and "default" in node}
    for place in defaults:
        parent = place.rpartition(".")[0]
        assert not parent or "[]" in parent or parent in defaults or parent.endswith("secretKeyRef"), place


def test_required_fields_have_no_default() -> None:
    for place, node in NODES:
        for name in node.get("required", ()):
            assert "default" not in node["properties"][name], f"{place}.{name}"


def test_status_has_no_default_and_its_conditions_are_a_map_by_type() -> None:
    assert [place for place, node in BELOW if place.startswith("status") and "default" in node] == []
    conditions = SCHEMA["properties"]["status"]["properties"]["conditions"]
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]
    assert VERSION["subresources"] == {"status": {}}


def test_columns_are_the_ones_promised() -> None:
    columns = [column["name"] for column in VERSION["additionalPrinterColumns"]]
    assert columns == ["Accepted", "Programmed", "Pods", "Routes", "Age"]


def test_only_a_secret_can_hold_a_credential() -> None:
    assert list(field_at(spec_schema(), "routes[].credential")["properties"]) == ["secretKeyRef"]


def test_durations_that_may_not_be_zero_are_exactly_those_with_the_rule() -> None:
    """The model keeps this in code, not in its JSON schema, so the rules could fall behind it."""
    ruled = {rule.place for rule in RULES if "longer than 0s" in rule.message}
    refused = set()
    for place, node in nodes(spec_schema(), ""):
        if node.get("pattern") == DURATION_PATTERN:
            part, *rest = place.lstrip(".").split(".")
            spec: Any = "0s"
            for name in reversed(rest):
                spec = {name: spec}
            if any("longer than 0s" in problem for problem in judge({part: spec}, "p", "n")):
                refused.add(place.lstrip("."))
    assert ruled == refused


def test_messages_that_are_computed_have_a_plain_one_to_fall_back_on() -> None:
    assert all(rule.message for rule in RULES)
