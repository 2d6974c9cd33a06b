"""413: how large the body is, how much of it is base64, and what makes it small.

The API's own limits: docs/claude-api-notes.md, "Endpoints and bounds".
"""

from claude_sidecar.hints.facts import HintFacts
from claude_sidecar.hints.finding import Finding
from claude_sidecar.hints.middlebox import form_of, middlebox

_MIB = 1_048_576
_LIMIT_BYTES = 32_000_000
_LIMITS_BYTES = (("/v1/messages/batches", 256_000_000), ("/v1/files", 500_000_000))


def too_large_hint(facts: HintFacts) -> Finding:
    """Size, share of base64 and the cure; whose limit it was, by the answer's form and the body's size."""
    if not facts.own and _is_below(facts):
        return _lower_limit(facts)
    edge = " The answer is an edge's or proxy's, not the API's own." if facts.foreign else ""
    kind = "not-the-api" if facts.foreign else "own-limit" if facts.own else "api-limit"
    return Finding(kind, f"{_size(facts)}, over {_limit(facts)}.{edge} {_cure(facts)}")


def _is_below(facts: HintFacts) -> bool:
    """Whether the body is certainly within the API's own limit; a coded one has two sizes."""
    size = facts.body_bytes
    if size is None or size <= 0 or facts.values_of(b"content-encoding"):
        return False
    paths = (limit for path, limit in _LIMITS_BYTES if facts.path.startswith(path))
    return size < next(paths, _LIMIT_BYTES)


def _lower_limit(facts: HintFacts) -> Finding:
    if facts.foreign:
        known = middlebox(facts)
        setting = f" ({known.body_limit})" if known is not None and known.body_limit else ""
        return Finding(
            "lower-limit-on-the-way",
            f"{_size(facts)}, below the API's limit, and the answer has no error body of the "
            f"API{form_of(facts)}: something on the way refused it. Raise the limit there{setting}.",
        )
    return Finding(
        "lower-limit-of-route",
        f"{_size(facts)}, below the API's own limit: a gateway or cloud on this route has a lower one "
        f"(Bedrock 20 MB, Vertex 30 MB). Raise it where you can. {_cure(facts)}",
    )


def _size(facts: HintFacts) -> str:
    size = facts.body_bytes
    if size is None or size < 0:
        return "The request body is too large"
    text = f"The request body has {size / _MIB:.1f} MiB"
    share = _base64_percent(facts)
    return text if share is None else f"{text}, {share} % of it base64 data"


def _base64_percent(facts: HintFacts) -> int | None:
    size, inlined = facts.body_bytes, facts.base64_bytes
    if not size or size < 0 or inlined is None or inlined < 0:
        return None
    return min(100, inlined * 100 // size)


def _limit(facts: HintFacts) -> str:
    if facts.own:
        limit = facts.max_body_bytes
        shown = "" if limit is None else f" of {limit / _MIB:g} MiB"
        return f"the sidecar's limit{shown} (limits.maxBodyMiB)"
    if facts.error_code == "request_body_too_large_after_decoding":
        return "the limit once it is unpacked (gzip does not help)"
    if facts.path.startswith("/v1/messages/batches"):
        return "the API's limit of 256 MB or 100,000 requests a batch"
    if facts.path.startswith("/v1/files"):
        return "the API's limit of 500 MB a file"
    return "the API's limit of 32 MB (clouds: 20 to 30 MB)"


def _cure(facts: HintFacts) -> str:
    if facts.path.startswith("/v1/messages/batches"):
        return "Split the batch, and send files through the Files API by file_id instead of base64."
    if facts.path.startswith("/v1/files"):
        return "Split the file."
    share = _base64_percent(facts)
    if share is not None and share < 50:
        return (
            "Little of it is base64: trim or split the history; documents go through the Files API (POST "
            "/v1/files) by file_id."
        )
    return (
        "Upload images and documents once with the Files API (POST /v1/files) and name their file_id "
        "in place of base64; that also suits prompt caching."
    )
