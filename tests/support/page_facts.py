"""What a sidecar tells its page, written by hand: states that a real one reaches only after hours."""

from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]

NOW = datetime(2026, 11, 30, 12, 0, 0, tzinfo=UTC)
MODELS = ("claude-opus-5", "claude-sonnet-5", "claude-haiku-4-5-20251001")
ROUTES = ("anthropic", "second-org")
DIMENSIONS = ("key", "model", "status", "route", "feature", "conversation")
_SUMS = ("calls", "failed", "cured", "attempts", "inputTokens", "outputTokens")


def told(moment: datetime) -> str:
    """A moment as the sidecar writes it."""
    return moment.isoformat(timespec="milliseconds")


def attempt(**given: Any) -> Json:
    """One attempt of a call, a success unless told otherwise."""
    return {
        "route": ROUTES[0],
        "model": MODELS[0],
        "atMs": 0.4,
        "durationMs": 400.0,
        "firstByteMs": 120.0,
        "status": 200,
        "cause": None,
        "errorType": None,
        "requestId": "req_011CQ",
        "key": "9b3bf2b4",
        "substitutedModel": None,
        "responseModel": MODELS[0],
        "stopReason": "end_turn",
        "reusedConnectionDied": False,
        "cancelled": False,
        "usage": {
            "inputTokens": 812,
            "outputTokens": 96,
            "cacheReadInputTokens": 0,
            "cacheCreationInputTokens": 0,
            "cacheCreation1hInputTokens": 0,
            "thinkingTokens": 0,
            "webSearchRequests": 0,
            "webFetchRequests": 0,
        },
        "retryAfterSeconds": None,
        "shouldRetry": None,
        "cutAfterSeconds": None,
        "partial": False,
        "costUsd": None,
        "unpriced": [],
        "rule": "first route",
        "because": "the first route of the policy that serves the model",
    } | given


NO_USAGE = dict.fromkeys(attempt()["usage"], 0)


def call(number: int, **given: Any) -> Json:
    """One call of `/requests`, a plain success unless told otherwise; its number makes it one of its own."""
    model = MODELS[number % len(MODELS)]
    return {
        "callId": f"sc_{number:026d}",
        "traceId": f"{number:032x}",
        "startedAt": told(NOW - timedelta(seconds=600 - number)),
        "durationMs": 402.5,
        "addedMs": 0.6,
        "firstChunkMs": 121.0,
        "method": "POST",
        "path": "/v1/messages",
        "operation": "chat",
        "model": model,
        "substitutedModel": None,
        "stream": number % 2 == 0,
        "requestBytes": 3271,
        "bodyKept": True,
        "route": ROUTES[0],
        "status": 200,
        "cause": None,
        "errorType": None,
        "limit": None,
        "hint": None,
        "requestId": f"req_{number:06d}",
        "key": "9b3bf2b4",
        "feature": ("search", "chat", None)[number % 3],
        "conversation": None,
        "agent": None,
        "parentAgent": None,
        "policy": "shop",
        "policyHash": "5d41402abc4b2a76b9719d911017c592",
        "sdkRetryCount": 0,
        "sdkTimeoutSeconds": None,
        "accountBound": False,
        "blindRepeat": None,
        "retryOutcome": None,
        "opened": False,
        "openedBy": None,
        "commitReason": None,
        "cancelled": False,
        "interrupted": False,
        "endRule": "answered",
        "endBecause": "a response that is no error",
        "costUsd": None,
        "unpriced": [],
        "attempts": [attempt(model=model, responseModel=model)],
        "waits": [],
        "fallbacks": [],
    } | given


def cured(number: int) -> Json:
    """A call that was overloaded on one route, waited, and was answered by the other."""
    overloaded = {
        "status": 529,
        "cause": "Overloaded",
        "errorType": "overloaded_error",
        "stopReason": None,
        "usage": NO_USAGE,
    }
    second = {
        "atMs": 1250.0,
        "route": ROUTES[1],
        "rule": "next route",
        "because": "fallback.causes names Overloaded",
    }
    return call(
        number,
        durationMs=1655.0,
        route=ROUTES[1],
        retryOutcome="won",
        attempts=[attempt(durationMs=90.0, firstByteMs=88.0, **overloaded), attempt(**second)],
        waits=[
            {
                "atMs": 91.0,
                "seconds": 1.159,
                "reason": "backoff",
                "rule": "another round",
                "because": "1 of 6 attempts",
            }
        ],
        fallbacks=[{"atMs": 1250.0, "from": ROUTES[0], "to": ROUTES[1], "cause": "Overloaded"}],
    )


def failed(number: int, **given: Any) -> Json:
    """A call whose model's name is misspelt."""
    wrong = {"status": 404, "cause": "NotFound", "errorType": "not_found_error", "stopReason": None}
    told_to_user = {
        "model": "claude-opus-4.7",
        "hint": "Model claude-opus-4.7: names have hyphens, not dots. Use claude-opus-4-7.",
        "endRule": "cause not listed",
        "endBecause": "retry.causes does not name NotFound",
        "attempts": [attempt(model="claude-opus-4.7", usage=NO_USAGE, **wrong)],
    }
    return call(number, **{**wrong, **told_to_user, **given})


def row(name: str, calls: int, **given: Any) -> Json:
    """One row of a dimension."""
    return {
        "name": name,
        "calls": calls,
        "failed": 0,
        "cured": 0,
        "attempts": calls,
        "inputTokens": calls * 812,
        "outputTokens": calls * 96,
        "costUsd": None,
    } | given


def rollup(rows: dict[str, list[Json]] | None = None, **given: Any) -> Json:
    """Traffic over one time: the sums of one dimension's rows, unless told otherwise."""
    by = {name: (rows or {}).get(name, []) for name in DIMENSIONS}
    some = next((each for each in by.values() if each), [])
    return {
        **{name: sum(each[name] for each in some) for name in _SUMS},
        "left": 0,
        "waitedSeconds": 0.0,
        "cacheReadTokens": 0,
        "cacheCreationTokens": 0,
        "costUsd": None,
        "unpricedTokens": 0,
        "by": by,
    } | given


def route(name: str, **given: Any) -> Json:
    """One route as `/routes` tells it."""
    return {
        "name": name,
        "endpoint": "https://api.anthropic.com",
        "breaker": "closed",
        "breakers": {},
        "trouble": None,
        "limits": {},
        "serves": None,
        "modelsSeen": [],
        "models": [],
        "credential": "caller",
        "lastError": None,
    } | given


def minutes(*last: tuple[int, int, int]) -> list[Json]:
    """The last hour: nothing, but for the last minutes' calls, failed, cured."""
    counts = [(0, 0, 0)] * (60 - len(last)) + list(last)
    return [
        {"at": told(NOW - timedelta(minutes=59 - index)), "calls": calls, "failed": failed_, "cured": cured_}
        for index, (calls, failed_, cured_) in enumerate(counts)
    ]


def overview(**given: Any) -> Json:
    """All that `/overview` tells; of a sidecar that has seen nothing, unless told otherwise."""
    return {
        "version": "0.9.0",
        "now": told(NOW),
        "startedAt": told(NOW - timedelta(hours=3)),
        "policy": {
            "name": "shop",
            "hash": "5d41402abc4b2a76b9719d911017c592",
            "source": "/etc/claude-sidecar/policy.yaml",
            "lastError": None,
            "restartRequired": False,
            "credentialsMissing": [],
        },
        "troubles": [],
        "rollups": {name: rollup() for name in ("5m", "1h", "start")},
        "minutes": minutes(),
        "limits": [],
        "routes": [route(name) for name in ROUTES],
        "recorder": {"calls": 0, "bytes": 0, "mostBytes": 4194304},
    } | given
