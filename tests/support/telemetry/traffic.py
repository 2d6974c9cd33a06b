"""Calls through a sidecar that meet every kind of trouble, so that every metric has something to tell."""

import json
import secrets
import urllib.error
import urllib.request

MODELS = ("claude-sonnet-4-6", "claude-opus-4-8")
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))

_FAULTS = (
    "",
    "529; times=1",
    "429; retry-after=0.01; times=1; header.anthropic-ratelimit-output-tokens-remaining=0",
    "header.anthropic-ratelimit-requests-limit=50; header.anthropic-ratelimit-requests-remaining=4",
    "429; error-code=enforced_spend_limit_reached",
    "400",
    "stop-reason=refusal",
    "stop-reason=max_tokens",
    "429; retry-after=403973; header.anthropic-ratelimit-requests-remaining=0",
    "500; times=3",
    "529",
    "401",
    f"answer-model={MODELS[1]}",
)
_STREAM_FAULTS = ("", "error-at-event=0; times=1", "truncate-at-event=6; output-tokens=80")


def one_round(url: str, key: str) -> int:
    """Each kind of call once; how many there were."""
    for fault in _FAULTS:
        _call(url, key, fault, stream=False)
    for fault in _STREAM_FAULTS:
        _call(url, key, fault, stream=True)
    _call(url, key, "", stream=False, model=MODELS[1])
    return len(_FAULTS) + len(_STREAM_FAULTS) + 1


def _call(url: str, key: str, fault: str, *, stream: bool, model: str = MODELS[0]) -> None:
    body = {
        "model": model,
        "max_tokens": 100,
        "stream": stream,
        "messages": [{"role": "user", "content": "Say something about the sea."}],
    }
    headers = {
        "content-type": "application/json",
        "anthropic-version": "2023-06-01",
        "x-api-key": key,
        "x-claude-feature": "search",
    }
    if fault:
        headers |= {"x-simulate": fault, "x-simulate-id": secrets.token_hex(8)}
    request = urllib.request.Request(f"{url}/v1/messages", json.dumps(body).encode(), headers)
    try:
        with _DIRECT.open(request, timeout=30) as answer:
            answer.read()
    except urllib.error.HTTPError as refused:
        refused.read()
        refused.close()
