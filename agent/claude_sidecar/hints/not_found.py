"""404: a model's name that does not resolve for this key, or a path or id that is not here."""

import re

from claude_sidecar.hints.facts import HintFacts
from claude_sidecar.hints.finding import Finding
from claude_sidecar.hints.known_models import KNOWN_MODELS, KNOWN_MODELS_DATE
from claude_sidecar.hints.middlebox import form_of
from claude_sidecar.hints.model_name import RIGHT, find_name
from claude_sidecar.hints.retired_models import RETIRED_MODELS_DATE, retirement_of

_MODEL_PATHS = frozenset({"/v1/messages", "/v1/messages/count_tokens", "/v1/complete"})
_BY_CODE = {
    "file_expired": "The file has expired: upload it again and use the new file_id.",
    "thread_not_found": (
        "The thread is not known here: it lives in one workspace and ends after a time; begin a new one."
    ),
}
_SLASHES = re.compile(r"/{2,}")
_RESOURCE_WORDS = ("file_id", "container", "thread", "batch", "skill", "no such file", "file not found")


def not_found_hint(facts: HintFacts) -> Finding:
    """The name that was probably meant, or what else a 404 means on this path."""
    if facts.error_code is not None and facts.error_code in _BY_CODE:
        return Finding(facts.error_code.replace("_", "-"), _BY_CODE[facts.error_code])
    path = _SLASHES.sub("/", facts.path).rstrip("/") or "/"
    if (wrong := _wrong_path(facts, path)) is not None:
        return wrong
    if facts.foreign:
        return Finding(
            "not-the-api",
            f"This 404 has no error body of the Claude API{form_of(facts)}: the route's endpoint is "
            "another server, or a proxy answered; check endpoint and base path.",
        )
    model_in_path = path.startswith("/v1/models/")
    if path not in _MODEL_PATHS and not model_in_path:
        return Finding(
            "id-or-path",
            f"No such id or path for {facts.whose_key}: ids of files, batches, skills and the like live "
            "in one workspace, and a beta path may need its anthropic-beta.",
        )
    if not model_in_path and any(word in facts.message for word in _RESOURCE_WORDS):
        return Finding(
            "id-in-request",
            f"The message says that the request names a file, container or other id that {facts.whose_key} "
            "cannot see: such ids live in one workspace and expire.",
        )
    return _model_hint(facts, path.removeprefix("/v1/models/") if model_in_path else facts.model)


def _wrong_path(facts: HintFacts, path: str) -> Finding | None:
    """For a path that is none of the API's; path: without the slashes that are too many."""
    if path != facts.path and path.startswith("/v1/"):
        return Finding(
            "slash-too-many",
            "The path has a slash too many, at its end or doubled, and the API takes that for another path: "
            "end ANTHROPIC_BASE_URL without a slash, and join it to paths such as /v1/messages once.",
        )
    if path.startswith("/v1/v1/"):
        return Finding(
            "v1-twice",
            "The path begins with /v1 twice: the base URL must not end in /v1, the SDK adds it; set "
            "ANTHROPIC_BASE_URL without it.",
        )
    if path.endswith("/chat/completions"):
        return Finding(
            "openai-path",
            "This is the OpenAI form of a path: the Claude API's is POST /v1/messages; use an Anthropic "
            "SDK, or that endpoint.",
        )
    if not path.startswith("/v1/"):
        return Finding(
            "no-v1",
            "Paths of the Claude API begin with /v1/: check what the client takes as base URL and path.",
        )
    return None


def _model_hint(facts: HintFacts, asked: str | None) -> Finding:
    retirement = _retirement(facts, asked)
    return retirement if retirement is not None else _name_hint(facts, asked)


def _retirement(facts: HintFacts, asked: str | None) -> Finding | None:
    """For a model that is no more, unless the last list of this route still has it."""
    retired = retirement_of(asked) if asked else None
    if retired is None or asked in facts.known_models:
        return None
    return Finding(
        "retired-model",
        f"{_subject(facts)} is retired: requests fail since {retired.retires_on} (by a list of "
        f"{RETIRED_MODELS_DATE}; clouds have dates of their own). Use {retired.successor}, which is what the "
        "provider recommends in its place.",
    )


def _name_hint(facts: HintFacts, asked: str | None) -> Finding:
    fresh = bool(facts.known_models)
    known = facts.known_models if fresh else KNOWN_MODELS
    source = "by the last /v1/models answer" if fresh else f"by a list of {KNOWN_MODELS_DATE}"
    elsewhere = (
        "a workspace that lacks a model answers 404 too: "
        f"GET /v1/models with {facts.whose_key} shows what it reaches"
    )
    finding = find_name(asked, known) if asked else None
    if finding is None:
        return Finding(
            "unknown-model",
            f"{_subject(facts)} is not known ({source}): misspelt, retired, or of another workspace; "
            f"{elsewhere}.",
        )
    if finding.names:
        names = " or ".join(finding.names)
        advice = f"Use {names}" if finding.sure else f"Nearest: {names}"
        text = f"{_subject(facts)}: {finding.wrong}. {advice} ({source}). Else {elsewhere}."
        return Finding("misspelt-model" if finding.sure else "near-model", text)
    if finding.wrong is RIGHT and facts.message and not _speaks_of_a_model(facts):
        return Finding(
            "right-name",
            f"{_subject(facts)} is a right name ({source}), and the message does not speak of a model: what "
            "is missing is not known here; an id in the request, or a field or path that needs an "
            f"anthropic-beta. Else {elsewhere}.",
        )
    if finding.wrong is RIGHT:
        return Finding(
            "anothers-model",
            f"{_subject(facts)} is a right name ({source}), but not for {facts.whose_key}: another "
            f"workspace's or organisation's model; {elsewhere}.",
        )
    text = f"{_subject(facts)}: {finding.wrong}; no near name is known ({source}); {elsewhere}."
    return Finding("unknown-model", text)


def _speaks_of_a_model(facts: HintFacts) -> bool:
    return "model" in facts.message or (facts.model or "").lower() in facts.message


def _subject(facts: HintFacts) -> str:
    model = facts.printable_model
    return f"Model {model}" if model else "The model asked for"
