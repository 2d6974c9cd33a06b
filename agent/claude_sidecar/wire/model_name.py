"""Names of models: fit to be shown, the same spelt otherwise, and those of a `GET /v1/models` response."""

import re

import msgspec

from claude_sidecar.schema.dated_name import split_date

OTHER = "_other"
_NAME = re.compile(r"[A-Za-z0-9._:@/-]{1,128}")


def safe_model_name(model: str | None) -> str | None:
    """The name, or `_other` for what is none: callers choose it, and who swaps two variables sends a key."""
    if model is None:
        return None
    return model if _NAME.fullmatch(model) and "sk-ant" not in model.lower() else OTHER


def safe_model_id(model: str) -> str:
    """What a policy's author calls a model; `_other` where that is a key, pasted into the wrong field."""
    return OTHER if "sk-ant" in model.lower() else model


def same_model(asked: str, answered: str) -> bool:
    """True for equal names and for a name and its dated form (`claude-haiku-4-5`, `...-20251001`).

    Two different dates are two models. Aliases that end in `-latest` or `-0` stand for a dated name.
    """
    if asked == answered:
        return True
    (one, date), (other, other_date) = split_date(asked), split_date(answered)
    return one == other and (date == other_date or not date or not other_date)


_MOST = 200


class _Model(msgspec.Struct):
    id: str


class _Page(msgspec.Struct):
    data: list[_Model]


_decoder = msgspec.json.Decoder(_Page)


def read_model_list(body: bytes) -> tuple[str, ...]:
    """Names in the order given, at most 200, without what is no name; empty for anything else."""
    try:
        page = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ()
    return tuple(model.id for model in page.data[:_MOST] if safe_model_name(model.id) == model.id)
