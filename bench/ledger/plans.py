"""The calls that are made: drawn from a seed, each for itself."""

import random
from dataclasses import dataclass, field
from typing import Any

from bench.ledger.setting import ASKED, KEYS

_SYSTEMS = 12
_WEB = (
    {"type": "web_search_20260209", "name": "web_search"},
    {"type": "web_fetch_20260209", "name": "web_fetch"},
)


@dataclass(frozen=True, slots=True)
class Plan:
    """One call. number: also names the conversation, by which it is found again everywhere.

    traced: it comes with a sampled `traceparent`. leaves_after: events of the stream, or of any other answer
    milliseconds, after which the app goes away; None: it stays.
    """

    number: int
    path: str
    key: str
    body: dict[str, Any]
    traced: bool
    leaves_after: int | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def conversation(self) -> str:
        """What the call is named by."""
        return f"ledger-{self.number}"


def drawn(seed: int, number: int) -> Plan:
    """The plan of one number: half of them streams, one in twenty left by its app."""
    dice = random.Random(f"{seed}/{number}")
    kind, key, traced = dice.random(), dice.choice(["one", "two"]), dice.random() < 0.5
    if kind < 0.03:
        return Plan(number, "/v1/complete", key, _completion(dice, number), traced)
    if kind < 0.05:
        return Plan(number, "/v1/messages/batches", key, _batch(dice, number), traced)
    body = _message(dice, number)
    if kind < 0.1:
        del body["max_tokens"]
        return Plan(number, "/v1/messages/count_tokens", key, body, traced)
    body["stream"] = kind < 0.6
    if dice.random() > 0.06:
        return Plan(number, "/v1/messages", key, body, traced)
    # The answer must take its time, or all of it is on its way before the app can go.
    slow = {"x-simulate": "first-token=0.02; tokens-per-second=400; output-tokens=40; tokens-per-event=2"}
    return Plan(number, "/v1/messages", key, body, traced, dice.randrange(12), slow)


def key_of(plan: Plan) -> str:
    """The credential that the app sends."""
    return KEYS[plan.key]


def _message(dice: random.Random, number: int) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": dice.choice(ASKED),
        "max_tokens": 50,
        "messages": [{"role": "user", "content": f"number {number}"}],
    }
    cached = dice.random()
    if cached < 0.5:
        text = f"Story {dice.randrange(_SYSTEMS)}. " * (20 + dice.randrange(3))
        mark = {"type": "ephemeral"} if cached < 0.3 else {"type": "ephemeral", "ttl": "1h"}
        body["system"] = [{"type": "text", "text": text, "cache_control": mark}]
    if dice.random() < 0.2:
        body["thinking"] = {"type": "enabled", "budget_tokens": 1024}
    if dice.random() < 0.2:
        body["tools"] = list(_WEB[: dice.randrange(1, 3)])
    return body


def _completion(dice: random.Random, number: int) -> dict[str, Any]:
    return {
        "model": dice.choice(ASKED),
        "max_tokens_to_sample": 30,
        "prompt": f"\n\nHuman: number {number}\n\nAssistant:",
        "stream": dice.random() < 0.5,
    }


def _batch(dice: random.Random, number: int) -> dict[str, Any]:
    return {"requests": [{"custom_id": f"n{number}", "params": _message(dice, number)}]}
