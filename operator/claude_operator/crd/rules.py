"""The rules between fields, as CEL: what `claude_sidecar.schema.cross_field` holds, for an API server.

Expressions guard with `has()` what has a default: a default of `{}` is checked before it is filled in.
"""

from claude_operator.crd.endpoint_rules import CLEAR_TEXT, ENDPOINT_RULES
from claude_operator.crd.rule import Rule
from claude_sidecar.schema.fields import CREDENTIAL_HEADERS
from claude_sidecar.schema.limits import ENFORCE_IS_NOT_IMPLEMENTED, PacingMode

_DATED = "(-[0-9]{8}|-latest)$"
_NO_KEY = "looks like a key itself; name the place where the key is kept"

NO_SOURCE = "names no source; give secretKeyRef, or leave `credential` out to forward the caller's own"
"""What is said of a credential without a Secret; in a cluster there is no other source."""


def _unique(place: str, key: str, message: str) -> Rule:
    return Rule(place, f"self.all(x, self.exists_one(y, y.{key} == x.{key}))", message)


def _named_once(place: str) -> Rule:
    return Rule(
        place=place,
        holds="self.all(x, self.exists_one(y, y == x))",
        says='"names " + self.filter(x, !self.exists_one(y, y == x))[0] + " twice; name each cause once"',
        message="names a cause twice; name each cause once",
    )


def _positive(place: str) -> Rule:
    return Rule(place=place, holds="!self.matches('^(0+(h|m|s|ms))+$')", message="must be longer than 0s")


def _no_key(field: str) -> Rule:
    return Rule(
        place="routes[].credential.secretKeyRef",
        holds=f"!has(self.{field}) || !self.{field}.startsWith('sk-ant-')",
        message=_NO_KEY,
        field=f".{field}",
        reason="FieldValueForbidden",
    )


def _same_id(one: str, other: str) -> str:
    return f"(has({one}.id) ? {one}.id : {one}.name) == (has({other}.id) ? {other}.id : {other}.name)"


_HEADERS = ", ".join(f"'{header}'" for header in sorted(CREDENTIAL_HEADERS))
_DURATION = "matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$')"

RULES = (
    _unique("routes", "name", "another route has this name; route names must be unique"),
    CLEAR_TEXT,
    *ENDPOINT_RULES,
    Rule(
        place="routes[].credential",
        holds="has(self.secretKeyRef)",
        message=NO_SOURCE,
        reason="FieldValueRequired",
    ),
    _no_key("name"),
    _no_key("key"),
    _unique("routes[].models", "name", "the route already lists this model"),
    # Two names may share an id where they are one model's plain and dated name. To compare two dated names
    # would cost more than an API server allows for one rule: such pairs are left to the judging.
    Rule(
        place="routes[].models",
        holds=f"self.all(x, x.name.matches('{_DATED}') || "
        f"self.all(y, !({_same_id('x', 'y')}) || y.name.startsWith(x.name)))",
        message="two models have one id: one would be answered by another model; "
        "name such a swap in `fallback.substitutions`",
    ),
    _named_once("retry.causes"),
    Rule(
        place="retry.backoff",
        holds="!has(self.initial) || !has(self.max) || "
        f"!self.initial.{_DURATION} || !self.max.{_DURATION} || "
        "duration(self.initial) <= duration(self.max)",
        message="`initial` must not be longer than `max`",
        field=".initial",
    ),
    _named_once("fallback.causes"),
    _unique("fallback.substitutions", "model", "this model already has a substitution; list all in one"),
    Rule(
        place="fallback.substitutions[]",
        holds="!self.with.exists(x, x == self.model)",
        message="is the model itself; name another model",
        field=".with",
    ),
    Rule(
        place="fallback.substitutions[].with",
        holds="self.all(x, self.exists_one(y, y == x))",
        says='"names " + self.filter(x, !self.exists_one(y, y == x))[0] + " twice; name each model once"',
        message="names a model twice; name each model once",
    ),
    *(_positive(f"timeouts.{field}") for field in ("connect", "firstByte", "idle", "total")),
    _positive("circuitBreaker.window"),
    Rule(
        place="pacing.mode",
        holds=f"self != '{PacingMode.ENFORCE}'",
        message=ENFORCE_IS_NOT_IMPLEMENTED,
    ),
    Rule(
        place="telemetry.featureHeader",
        holds=f"!(self.lowerAscii() in [{_HEADERS}])",
        message="must not name a header that carries a credential: its value becomes a metric label",
    ),
    _unique("prices", "model", "this model already has a price; give each model one"),
)
"""Every rule of the spec, in the order of its fields."""
