"""The model names of a `GET /v1/models` answer (docs/claude-api-notes.md, "Endpoints and bounds")."""

import msgspec

_MOST = 200


class _Model(msgspec.Struct):
    id: str


class _Page(msgspec.Struct):
    data: list[_Model]


_decoder = msgspec.json.Decoder(_Page)


def read_model_list(body: bytes) -> tuple[str, ...]:
    """Names in the order given, at most 200; empty for anything else."""
    try:
        page = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ()
    return tuple(model.id for model in page.data[:_MOST] if len(model.id) <= 128)
