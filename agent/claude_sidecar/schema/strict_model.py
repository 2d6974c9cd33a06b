"""What all parts of a policy have in common: frozen, strict, no unknown fields, null means absent."""

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic.alias_generators import to_camel


def written_name(field: str) -> str:
    """How a policy spells a field of ours: in camel case, without the unit that stands in the value there."""
    return to_camel(field.removesuffix("_s"))


class StrictModel(BaseModel):
    """One mapping in a policy."""

    model_config = ConfigDict(
        alias_generator=written_name,
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: Any) -> Any:
        """Drop nulls of known fields, as an API server does before it fills in defaults."""
        if not isinstance(data, dict):
            return data
        known = {field.alias for field in cls.model_fields.values()}
        return {key: value for key, value in data.items() if value is not None or key not in known}
