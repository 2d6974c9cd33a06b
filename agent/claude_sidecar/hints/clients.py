"""Clients that call again on their own, by their `User-Agent`, and the setting of theirs that stops it.

For the hint, log line and metric of blind repeats; nothing else is done differently by client.
"""

import re
from typing import NamedTuple

CLIENTS_DATE = "2026-11-30"
"""When the rows were last compared with what packages send and heed: langchain-anthropic 1.7.10 (Python) and
1.5.11 (JS), ai 7.0, litellm 1.110.2, dspy 3.4.1, llama-index-llms-anthropic 0.12.3, and the official SDKs."""


class Client(NamedTuple):
    """A kind of client.

    name: as metrics and records have it. pattern: its `User-Agent`. stop: what it makes of
    `x-should-retry: false`, and how its repeats are stopped, as a clause.
    """

    name: str
    pattern: re.Pattern[str]
    stop: str


def _row(name: str, pattern: str, stop: str) -> Client:
    return Client(name, re.compile(pattern), stop)


_ROWS = (
    _row(
        "vercel-ai",
        r"(?:^|\s)ai(?:-sdk/[\w-]+)?/\d",
        "the AI SDK does not read it: set maxRetries: 0 in generateText, streamText and the like.",
    ),
    _row("dspy", r"^DSPy/", "DSPy does not read it: set num_retries=0 in dspy.LM."),
    _row(
        "litellm",
        r"^litellm/",
        "LiteLLM does not read it: set num_retries=0, in the Router or proxy too.",
    ),
    _row(
        "llama-index",
        r"^llama-index/",
        "LlamaIndex leaves repeats to the SDK, which reads it, so a layer above calls again: turn its "
        "retries off, and set max_retries=0 in Anthropic(...).",
    ),
    _row(
        "langchain-python",
        r"^langchain-anthropic/",
        "ChatAnthropic reads it, so a layer above calls again: drop with_retry(), or let it stop there.",
    ),
    _row(
        "claude-code",
        r"^claude-(?:cli|code)/",
        "Claude Code bounds its own repeats by CLAUDE_CODE_MAX_RETRIES.",
    ),
    _row(
        "openai-sdk",
        r"^(?:Async)?(?:Azure)?OpenAI/",
        "set max_retries=0 (maxRetries: 0) in the OpenAI client, and look for a retry loop above it.",
    ),
    _row(
        "anthropic-sdk-js",
        r"^\w+/JS \d",
        "the SDK reads it, so a layer above calls again: LangChain JS wants maxRetries: 0, and a loop of "
        "your own an end.",
    ),
    _row(
        "anthropic-sdk",
        r"^\w*Anthropic\w*/",
        "the SDK reads it, so a layer above calls again: turn its retries off, or let it stop there.",
    ),
)

OTHER_CLIENT = _row(
    "other",
    r"",
    "turn off what repeats it: a framework's retries, or a loop of your own.",
)
"""A client of no row."""

_BY_NAME = {row.name: row for row in (*_ROWS, OTHER_CLIENT)}

CLIENT_NAMES = tuple(_BY_NAME)
"""Every name that a client may have."""

_COUNTED = "its SDK counts this repeat but does not read the header: set max_retries=0 (maxRetries: 0) there."


def client_of(user_agent: bytes | None, *, counted: bool = False) -> Client:
    """The client that sends this header, `OTHER_CLIENT` where no row fits; counted: as for `client_named`."""
    text = (user_agent or b"")[:512].decode("latin-1")
    client = next((row for row in _ROWS if row.pattern.search(text)), OTHER_CLIENT)
    return client_named(client.name, counted=counted)


def client_named(name: str, *, counted: bool = False) -> Client:
    """The row of this name, `OTHER_CLIENT` where there is none.

    counted: by `x-stainless-retry-count` it is the client's SDK itself that repeats, an old one or a foreign
    one, whatever its row says.
    """
    client = _BY_NAME.get(name, OTHER_CLIENT)
    return client._replace(stop=_COUNTED) if counted else client
