"""Composes a completion: its blocks in the pieces in which a stream would carry them, and its usage."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from claude_sidecar.simulator.clockwork import pick, token
from claude_sidecar.simulator.prompt import Input
from claude_sidecar.simulator.schema import example_of

_TEXT = (
    "the answer is that a small river runs along this quiet valley and every morning light falls on its "
    "stones before anyone in town has opened a window or put water on for tea so we walk there slowly with "
    "old maps read what others wrote about these hills and return by noon"
)
_WORDS = tuple(_TEXT.split())
_TOKENS_A_RESULT = 300


@dataclass(frozen=True, slots=True)
class Shape:
    """How long a completion is, how it is cut into events, and what it says."""

    output_tokens: int
    tokens_per_event: int
    text: str | None = None
    stop_reason: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """One content block: *start* as `content_block_start` has it, *whole* as a message has it.

    *pieces* are the deltas with the output tokens that each stands for.
    """

    start: dict[str, Any]
    whole: dict[str, Any]
    pieces: tuple[tuple[dict[str, Any], int], ...]


@dataclass(frozen=True, slots=True)
class ServerTools:
    """Requests of the API's own tools, and the input tokens that their results add."""

    searches: int = 0
    fetches: int = 0

    @property
    def input_tokens(self) -> int:
        """Known at the end only, when the results have been read."""
        return _TOKENS_A_RESULT * (self.searches + self.fetches)


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole completion."""

    id: str
    model: str
    blocks: tuple[Block, ...]
    stop_reason: str
    given: Input
    output_tokens: int
    thinking_tokens: int = 0
    server_tools: ServerTools = ServerTools()

    def usage(self, output_tokens: int) -> dict[str, Any]:
        """The `usage` object of a message, as far as *output_tokens*."""
        given = self.given
        return {
            "input_tokens": given.fresh,
            "cache_creation_input_tokens": given.created_5m + given.created_1h,
            "cache_read_input_tokens": given.read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": given.created_5m,
                "ephemeral_1h_input_tokens": given.created_1h,
            },
            "output_tokens": output_tokens,
            "service_tier": "standard",
            "inference_geo": "not_available",
        }

    def final_usage(self) -> dict[str, Any]:
        """The `usage` object of the last `message_delta`: cumulative."""
        given = self.given
        return {
            "input_tokens": given.fresh + self.server_tools.input_tokens,
            "cache_creation_input_tokens": given.created_5m + given.created_1h,
            "cache_read_input_tokens": given.read,
            "output_tokens": self.output_tokens,
            **self._parts(),
        }

    def _parts(self) -> dict[str, Any]:
        """What is known at the end, of a reply that has it."""
        parts: dict[str, Any] = {}
        if self.thinking_tokens:
            parts["output_tokens_details"] = {"thinking_tokens": self.thinking_tokens}
        if self.server_tools != ServerTools():
            tools = self.server_tools
            parts["server_tool_use"] = {
                "web_search_requests": tools.searches,
                "web_fetch_requests": tools.fetches,
            }
        return parts

    def message(self, *, started: bool = False) -> dict[str, Any]:
        """The message object: whole, or as `message_start` has it when *started*."""
        usage = self.usage(min(self.output_tokens, 1 if started else self.output_tokens))
        if not started:
            usage |= self.final_usage()
        return {
            "model": self.model,
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "content": [] if started else [block.whole for block in self.blocks],
            "stop_reason": None if started else self.stop_reason,
            "stop_sequence": None,
            "stop_details": None,
            "usage": usage,
        }


def compose(body: dict[str, Any], model: str, given: Input, shape: Shape, seed: int) -> Reply:
    """The completion for a validated request *body*: the same body and seed give the same completion."""
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    max_tokens = int(body["max_tokens"])
    total = min(shape.output_tokens, max_tokens)
    stop = "max_tokens" if total == max_tokens and shape.output_tokens > total else "end_turn"
    blocks: list[Block] = []
    thinking = 0
    tool = None if stop == "max_tokens" or shape.text is not None else _tool_to_use(body)
    if _thinks(body) and total > 2:
        thinking = total // 3
        blocks.append(_thinking(thinking, shape.tokens_per_event, token("sig_", seed, digest)))
    rest = total - thinking
    if tool is None:
        text = shape.text
        words = _words(seed, digest, rest)
        blocks.append(_text(words if text is None else _cut(text, rest), shape.tokens_per_event))
    else:
        spoken = rest // 2
        if spoken:
            blocks.append(_text(_words(seed, digest, spoken), shape.tokens_per_event))
        blocks.append(_tool_use(tool, rest - spoken, shape.tokens_per_event, token("toolu_", seed, digest)))
        stop = "tool_use"
    return Reply(
        id=token("msg_", seed, digest),
        model=shape.model or model,
        blocks=tuple(blocks),
        stop_reason=shape.stop_reason or stop,
        given=given,
        output_tokens=total,
        thinking_tokens=thinking,
        server_tools=_server_tools(body),
    )


def _server_tools(body: dict[str, Any]) -> ServerTools:
    """One request of each of the API's own web tools that the body allows."""
    kinds = [tool.get("type") for tool in body.get("tools") or [] if isinstance(tool, dict)]
    names = [kind for kind in kinds if isinstance(kind, str)]
    return ServerTools(
        sum(kind.startswith("web_search_") for kind in names),
        sum(kind.startswith("web_fetch_") for kind in names),
    )


def _thinks(body: dict[str, Any]) -> bool:
    thinking = body.get("thinking")
    return isinstance(thinking, dict) and thinking.get("type") in ("enabled", "adaptive")


def _tool_to_use(body: dict[str, Any]) -> dict[str, Any] | None:
    """The client tool to call: the one demanded, or the first, once a turn; after a result the turn ends."""
    tools = [t for t in body.get("tools") or [] if isinstance(t, dict) and isinstance(t.get("name"), str)]
    tools = [t for t in tools if t.get("type") in (None, "custom")]
    choice = body.get("tool_choice")
    kind = choice.get("type") if isinstance(choice, dict) else "auto"
    if not tools or kind == "none":
        return None
    if isinstance(choice, dict) and kind == "tool":
        return next((t for t in tools if t["name"] == choice.get("name")), None)
    last = body["messages"][-1]
    content = last.get("content")
    answered = isinstance(content, list) and any(
        isinstance(block, dict) and block.get("type") == "tool_result" for block in content
    )
    return tools[0] if kind == "any" or not answered else None


def _words(seed: int, digest: str, tokens: int) -> list[str]:
    """One word a token, from a place in the vocabulary that depends on the seed."""
    first = pick(seed, 0, len(_WORDS) - 1, digest)
    words = [_WORDS[(first + i) % len(_WORDS)] for i in range(tokens)]
    return [word.capitalize() if i == 0 else f" {word}" for i, word in enumerate(words)]


def _cut(text: str, tokens: int) -> list[str]:
    """*text* in *tokens* parts that are about equally long."""
    return [text[len(text) * i // tokens : len(text) * (i + 1) // tokens] for i in range(tokens)]


def _grouped(parts: list[str], size: int) -> Iterator[tuple[str, int]]:
    for start in range(0, len(parts), size):
        group = parts[start : start + size]
        yield "".join(group), len(group)


def _text(words: list[str], size: int) -> Block:
    pieces = tuple(({"type": "text_delta", "text": t}, n) for t, n in _grouped(words, size))
    whole = {"type": "text", "text": "".join(words)}
    return Block({"type": "text", "text": ""}, whole, pieces)


def _thinking(tokens: int, size: int, signature: str) -> Block:
    words = _words(0, "thinking", tokens)
    pieces = [({"type": "thinking_delta", "thinking": t}, n) for t, n in _grouped(words, size)]
    pieces.append(({"type": "signature_delta", "signature": signature}, 0))
    whole = {"type": "thinking", "thinking": "".join(words), "signature": signature}
    return Block({"type": "thinking", "thinking": "", "signature": ""}, whole, tuple(pieces))


def _tool_use(tool: dict[str, Any], tokens: int, size: int, block_id: str) -> Block:
    given = example_of(tool.get("input_schema"))
    parts = _cut(json.dumps(given), max(1, tokens))
    pieces = [({"type": "input_json_delta", "partial_json": ""}, 0)]
    pieces += [({"type": "input_json_delta", "partial_json": t}, n) for t, n in _grouped(parts, size)]
    start = {"type": "tool_use", "id": block_id, "name": tool["name"], "input": {}}
    return Block(start, {**start, "input": given}, tuple(pieces))
