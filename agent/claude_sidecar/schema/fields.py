"""The kinds of values that policy fields hold, each with its pattern and bounds."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, Field, GetCoreSchemaHandler, StringConstraints, WithJsonSchema
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from claude_sidecar.causes import CAUSE_ORDER, FALLBACK, RETRYABLE, Cause
from claude_sidecar.schema.durations import Duration
from claude_sidecar.schema.endpoint import parse_endpoint

LABEL_PATTERN = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
SUBDOMAIN_PATTERN = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$"
DATA_KEY_PATTERN = r"^([A-Za-z0-9_-]|\.[A-Za-z0-9_-])[A-Za-z0-9._-]*$"
VARIABLE_PATTERN = "^[A-Za-z_][A-Za-z0-9_]*$"
MODEL_PATTERN = "^[!-~]+$"
PRICE_PATTERN = r"^[0-9]{1,6}(\.[0-9]{1,6})?$"
HOUR_PRICE_PATTERN = r"^[0-9]{1,7}(\.[0-9]{1,7})?$"
HEADER_PATTERN = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"
ENDPOINT_PATTERN = "^https?://"
PATH_PATTERN = r"^[^\x00]+$"

CREDENTIAL_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key"})


def _custom(message: str) -> PydanticCustomError:
    return PydanticCustomError("policy", "{message}", {"message": message})


def _longer_than_zero(duration: Duration) -> Duration:
    if not duration:
        raise _custom("must be longer than 0s")
    return duration


def _endpoint(text: str) -> str:
    try:
        parse_endpoint(text)
    except ValueError as error:
        raise _custom(str(error)) from None
    return text


def _no_credential(header: str) -> str:
    if header.lower() in CREDENTIAL_HEADERS:
        raise _custom("must not name a header that carries a credential: its value becomes a metric label")
    return header


def _without_repeats(causes: tuple[Cause, ...]) -> tuple[Cause, ...]:
    for position, cause in enumerate(causes):
        if cause in causes[:position]:
            raise _custom(f"names {cause} twice; name each cause once")
    return causes


def _one_of(allowed: frozenset[Cause]) -> AfterValidator:
    def check(cause: Cause) -> Cause:
        if cause not in allowed:
            raise PydanticCustomError("enum", "not possible here")
        return cause

    return AfterValidator(check)


def _enum_schema(allowed: frozenset[Cause]) -> WithJsonSchema:
    """The allowed causes, with what each is: the table of causes explains itself to who reads the schema."""
    listed = [cause for cause in CAUSE_ORDER if cause in allowed]
    return WithJsonSchema(
        {
            "type": "string",
            "enum": [cause.value for cause in listed],
            "x-meanings": {cause.value: f"{cause.row.seen_as}. {cause.row.meaning}" for cause in listed},
        }
    )


@dataclass(frozen=True, slots=True)
class _DecimalText:
    """A decimal number that is written as text, since YAML would make a float of it."""

    pattern: str
    max_length: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(
            Decimal,
            core_schema.str_schema(pattern=self.pattern, max_length=self.max_length),
            serialization=core_schema.to_string_ser_schema(when_used="json"),
        )


def _number(lowest: int, highest: int) -> Any:
    return Field(ge=lowest, le=highest)


PositiveDuration = Annotated[Duration, AfterValidator(_longer_than_zero)]
Percent = Annotated[int, _number(0, 100)]
PositivePercent = Annotated[int, _number(1, 100)]
PerSecond = Annotated[int, _number(0, 1000)]
RouteName = Annotated[str, StringConstraints(pattern=LABEL_PATTERN, max_length=63)]
PolicyName = Annotated[str, StringConstraints(pattern=SUBDOMAIN_PATTERN, max_length=63)]
SecretName = Annotated[str, StringConstraints(pattern=SUBDOMAIN_PATTERN, max_length=253)]
SecretKey = Annotated[str, StringConstraints(pattern=DATA_KEY_PATTERN, max_length=253)]
VariableName = Annotated[str, StringConstraints(pattern=VARIABLE_PATTERN, max_length=128)]
FilePath = Annotated[str, StringConstraints(pattern=PATH_PATTERN, max_length=1024)]
ModelName = Annotated[str, StringConstraints(pattern=MODEL_PATTERN, max_length=128)]
ModelId = Annotated[str, StringConstraints(pattern=MODEL_PATTERN, max_length=512)]
Dollars = Annotated[Decimal, _DecimalText(PRICE_PATTERN, 13)]
# One digit more on either side, for what is 1.6 times another price.
HourDollars = Annotated[Decimal, _DecimalText(HOUR_PRICE_PATTERN, 15)]
HeaderName = Annotated[
    str, StringConstraints(pattern=HEADER_PATTERN, max_length=64), AfterValidator(_no_credential)
]
EndpointText = Annotated[
    str, StringConstraints(pattern=ENDPOINT_PATTERN, max_length=512), AfterValidator(_endpoint)
]

# Strict validation would want members of the enums; files hold their values.
RetryCause = Annotated[Cause, Field(strict=False), _one_of(RETRYABLE), _enum_schema(RETRYABLE)]
FallbackCause = Annotated[Cause, Field(strict=False), _one_of(FALLBACK), _enum_schema(FALLBACK)]
RetryCauses = Annotated[
    tuple[RetryCause, ...], Field(strict=False, max_length=len(RETRYABLE)), AfterValidator(_without_repeats)
]
FallbackCauses = Annotated[
    tuple[FallbackCause, ...], Field(strict=False, max_length=len(FALLBACK)), AfterValidator(_without_repeats)
]
