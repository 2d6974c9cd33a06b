"""One CEL rule of the definition, and where it stands."""

from dataclasses import dataclass
from typing import Any, Literal

Reason = Literal["FieldValueInvalid", "FieldValueForbidden", "FieldValueRequired"]
"""FieldValueDuplicate is not among them: an API server leaves its message out."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that an API server applies.

    place: the field whose value is `self`, from the spec's root, `[]` for the items of a list. holds: the CEL
    expression that is true for what is allowed. message: what a refusal says; with `says` that CEL expression
    makes the message instead. field: the field below `place` that a refusal names. reason: with
    FieldValueForbidden the answer does not repeat the value, for where that may hold a key.
    """

    place: str
    holds: str
    message: str = ""
    says: str = ""
    field: str = ""
    reason: Reason = "FieldValueInvalid"

    def as_validation(self) -> dict[str, Any]:
        """The entry in `x-kubernetes-validations`."""
        entry = {
            "rule": self.holds,
            "message": self.message,
            "messageExpression": self.says,
            "fieldPath": self.field,
            "reason": self.reason,
        }
        return {key: value for key, value in entry.items() if value}
