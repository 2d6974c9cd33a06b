"""What the API refuses about the head and the JSON body of a call."""

import re
from typing import Any

from claude_sidecar.simulator.errors import ApiError

OLD, NEW = "2023-06-01", "2026-10-21"
_BETA = re.compile(r"[a-z0-9][a-z0-9-]*-(?:\d{4}-\d{2}-\d{2}|\d{8})")
_ROLES = ("user", "assistant")
_EFFORTLESS = ("temperature", "top_p", "top_k")


def version(value: str | None) -> str:
    """The `anthropic-version` of a call; raises `ApiError` 400 if it is missing or unknown."""
    if not value:
        raise ApiError(400, "anthropic-version: header is required")
    if value not in (OLD, NEW):
        raise ApiError(400, f"anthropic-version: {value!r} is not a valid version")
    return value


def betas(lines: list[str]) -> None:
    """Raises `ApiError` 400 for a beta that is not shaped like one (`name-YYYY-MM-DD`, `name-YYYYMMDD`)."""
    for name in (part.strip() for line in lines for part in line.split(",")):
        if name and not _BETA.fullmatch(name):
            raise ApiError(400, f"Unexpected value(s) `{name}` for the `anthropic-beta` header.")


def messages(body: dict[str, Any], api_version: str, *, counting: bool = False) -> None:
    """Raises `ApiError` 400 for a body that `/v1/messages` (or count_tokens when *counting*) refuses."""
    _required(body, "model", str, "string")
    if not counting:
        _positive(body, "max_tokens")
    _required(body, "messages", list, "array")
    if not body["messages"]:
        raise ApiError(400, "messages: at least one message is required")
    for index, message in enumerate(body["messages"]):
        _message(message, f"messages.{index}", api_version)
    if "stream" in body and not isinstance(body["stream"], bool):
        raise ApiError(400, "stream: Input should be a valid boolean")
    for name in ("tools", "stop_sequences"):
        if body.get(name) is not None and not isinstance(body[name], list):
            raise ApiError(400, f"{name}: Input should be a valid array")
    if api_version == NEW:
        for name in _EFFORTLESS:
            if name in body:
                raise ApiError(400, f"{name}: Extra inputs are not permitted")


def completion(body: dict[str, Any]) -> None:
    """Raises `ApiError` 400 for a body that `/v1/complete` refuses."""
    _required(body, "model", str, "string")
    _required(body, "prompt", str, "string")
    _positive(body, "max_tokens_to_sample")


def _required(body: dict[str, Any], name: str, kind: type, called: str) -> None:
    if name not in body:
        raise ApiError(400, f"{name}: Field required")
    if not isinstance(body[name], kind):
        raise ApiError(400, f"{name}: Input should be a valid {called}")


def _positive(body: dict[str, Any], name: str) -> None:
    _required(body, name, int, "integer")
    if isinstance(body[name], bool):
        raise ApiError(400, f"{name}: Input should be a valid integer")
    if body[name] < 1:
        raise ApiError(400, f"{name}: Input should be greater than or equal to 1")


def _message(message: object, where: str, api_version: str) -> None:
    if not isinstance(message, dict):
        raise ApiError(400, f"{where}: Input should be an object")
    if "role" not in message:
        raise ApiError(400, f"{where}.role: Field required")
    role, content = message["role"], message.get("content")
    if role == "system":
        raise ApiError(400, f"{where}.role: use the top-level system parameter instead of the role system")
    if role not in _ROLES:
        raise ApiError(400, f"{where}.role: Input should be 'user' or 'assistant'")
    if "content" not in message:
        raise ApiError(400, f"{where}.content: Field required")
    if not isinstance(content, str | list):
        raise ApiError(400, f"{where}.content: Input should be a valid string or array")
    for index, block in enumerate(content if isinstance(content, list) else []):
        at = f"{where}.content.{index}"
        if not isinstance(block, dict) or not isinstance(block.get("type"), str):
            raise ApiError(400, f"{at}.type: Field required")
        kind = block["type"]
        if kind == "text" and not isinstance(block.get("text"), str):
            raise ApiError(400, f"{at}.text: Field required")
        if api_version == NEW and role == "assistant" and kind == "document":
            raise ApiError(400, f"{at}: document blocks are not permitted in assistant turns")
        if api_version == NEW and role == "user" and kind == "text" and "citations" in block:
            raise ApiError(400, f"{at}.citations: Extra inputs are not permitted")
