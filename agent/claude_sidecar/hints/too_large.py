"""413: how large the body is, how much of it is base64, and what makes it small.

The API's own limits: docs/claude-api-notes.md, "Endpoints and bounds".
"""

from claude_sidecar.hints.facts import HintFacts

_MIB = 1_048_576


def too_large_hint(facts: HintFacts) -> str:
    """Size, share of base64 and the cure; whose limit it was."""
    return f"{_size(facts)}, over {_limit(facts)}. {_cure(facts)}"


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
