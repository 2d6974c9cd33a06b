"""What all parts of a policy have in common: frozen, strict, no unknown fields, null means absent."""

from typing import Any

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema

from claude_sidecar.schema.field_docs import field_docs


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
    )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """The fields' descriptions are what stands below them."""
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        for name, text in field_docs(cls).items():
            written = properties[cls.model_fields[name].alias]
            if handler.resolve_ref_schema(written).get("description") != text:
                written["description"] = text
        return schema

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: Any) -> Any:
        """Drop nulls of known fields, as an API server does before it fills in defaults."""
        if not isinstance(data, dict):
            return data
        known = {field.alias for field in cls.model_fields.values()}
        return {key: value for key, value in data.items() if value is not None or key not in known}
