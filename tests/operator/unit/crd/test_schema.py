"""The converter says in an API server's dialect what pydantic says, or refuses loudly."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from claude_operator.crd.schema import NotStructural, structural_schema


def field(kind: Any, **options: Any) -> dict[str, Any]:
    """The structural schema of one field of this kind."""

    class Model(BaseModel):
        x: kind = Field(**options)

    return structural_schema(Model.model_json_schema())["properties"]["x"]


class Inner(BaseModel):
    """An inner part."""

    low: int = 1
    high: int = 2


def test_reference_is_inlined_and_keeps_the_description_beside_it() -> None:
    schema = field(Inner, description="Outer words.")
    assert schema["description"] == "Outer words."
    assert schema["properties"] == {
        "low": {"type": "integer", "default": 1},
        "high": {"type": "integer", "default": 2},
    }


def test_optional_field_is_the_kind_itself_without_a_default() -> None:
    assert field(int | None, default=None) == {"type": "integer"}


def test_constant_is_an_enum_of_one() -> None:
    assert field(Literal["a"]) == {"type": "string", "enum": ["a"]}


def test_exclusive_bound_is_a_boolean_beside_the_bound() -> None:
    assert field(Annotated[int, Field(gt=0, lt=9)]) == {
        "type": "integer",
        "minimum": 0,
        "exclusiveMinimum": True,
        "maximum": 9,
        "exclusiveMaximum": True,
    }


def test_set_is_a_list_that_says_so() -> None:
    schema = field(set[str])
    assert schema["x-kubernetes-list-type"] == "set"
    assert "uniqueItems" not in schema


def test_default_of_a_parent_keeps_only_what_differs_below() -> None:
    assert field(Inner, default=Inner())["default"] == {}
    assert field(Inner, default=Inner(high=7))["default"] == {"high": 7}


def test_whole_number_as_a_default_has_no_fraction() -> None:
    assert repr(field(float, default=20.0)["default"]) == "20"
    assert field(float, default=0.5)["default"] == 0.5


@pytest.mark.parametrize("kind", [int | str, dict[str, str], tuple[int, str], Any])
def test_what_cannot_be_said_is_refused(kind: Any) -> None:
    with pytest.raises(NotStructural):
        field(kind)


class Node(BaseModel):
    """A part that holds parts of its own kind."""

    below: "Node | None" = None


def test_recursion_is_refused() -> None:
    with pytest.raises(NotStructural, match="Node"):
        field(Node)
