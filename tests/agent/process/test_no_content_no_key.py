"""Markers planted in prompts, completions and keys never show up in anything that is emitted."""

import asyncio
import io
import json
from collections.abc import Callable
from typing import Any

import aiohttp
from tests.agent.process.conftest import Whole

PROMPT = "prompt-marker-7c1f"
COMPLETION = "completion-marker-91aa"
KEY = "sk-ant-api03-key-marker-55d0-abcdefgh"
OWN_KEY = "sk-ant-api03-own-marker-8e2b-abcdefgh"
MARKERS = (PROMPT, COMPLETION, "key-marker-55d0", "own-marker-8e2b")

SCENARIO = f"""\
answer: {{text: "{COMPLETION} and more"}}
rules:
  - {{match: {{model: claude-opus-4-7}}, status: 400, message: "{PROMPT} is wrong, key {KEY}"}}
  - {{match: {{model: claude-opus-4-8}}, status: 401, message: "{KEY}"}}
  - {{match: {{model: claude-sonnet-4-5}}, error_at_event: 6, message: "{COMPLETION}"}}
  - {{match: {{model: claude-haiku-4-5}}, truncate_at_event: 6, mode: cut}}
  - {{match: {{model: claude-opus-4-6}}, status: 529, message: "{PROMPT}"}}
  - {{match: {{path: /v1/files}}, status: 500, body: "{PROMPT} {KEY}"}}
"""
POLICY = """\
apiVersion: claude-sidecar.dev/v1alpha1
kind: ClaudePolicy
metadata: {{name: secrets}}
spec:
  routes:
    - {{name: callers, endpoint: "{upstream}"}}
    - {{name: own, endpoint: "{upstream}", credential: {{env: OWN_KEY}}}}
  retry: {{backoff: {{initial: 1ms, max: 2ms}}}}
  fallback: {{causes: [Overloaded, Authentication]}}
"""


async def test_no_marker_in_anything_emitted(start_whole: Callable[..., Whole]) -> None:
    whole = start_whole(SCENARIO, POLICY, {"OWN_KEY": OWN_KEY})
    statuses = await _all_scenes(whole.sidecar)
    assert {200, 400, 401, 500, 529} <= set(statuses)
    port = int(whole.sidecar.rpartition(":")[2])
    for garbage in _not_http():
        await _send_raw(port, garbage)
    (whole.folder / "policy.yaml").write_text(
        f"spec:\n  routes: [{{name: x, credential: {{env: {OWN_KEY}}}}}]\n"
    )
    await _until_refused(whole)

    emitted = {
        path: whole.admin_text(path)
        for path in ("/status", "/metrics", "/policy", "/routes", "/requests", "/")
    }
    leftovers = sorted((whole.folder / "temporary").iterdir())
    whole.stop()
    emitted["log"] = whole.log.read_text()
    spans = b"".join(whole.collector.raw).decode("latin-1")
    emitted["spans"] = spans
    assert leftovers == []
    assert "request failed or was retried" in emitted["log"]
    assert "gateway_stream_interrupted" in spans
    found = [(place, marker) for place, text in emitted.items() for marker in MARKERS if marker in text]
    assert found == []


async def _all_scenes(base_url: str) -> list[int]:
    """Plain, streamed, spooled, failing, and with the key where it does not belong."""
    long = [{"role": "user", "content": PROMPT + " word" * 400_000}]
    numbered = ("sonnet-4-6", "opus-4-7", "opus-4-8", "sonnet-4-5", "haiku-4-5", "opus-4-6")
    models = [*(f"claude-{name}" for name in numbered), KEY, f"{PROMPT} as a name"]
    statuses = []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:

        async def post(path: str, **arguments: Any) -> None:
            try:
                async with session.post(base_url + path, **arguments) as answer:
                    statuses.append(answer.status)
                    await answer.read()
            except aiohttp.ClientPayloadError:
                statuses.append(0)

        for model in models:
            for stream in (False, True):
                body = {"model": model, "max_tokens": 50, "stream": stream, "tools": [],
                        "messages": [{"role": "user", "content": PROMPT}]}  # fmt: skip
                await post("/v1/messages", json=body, headers=_headers({"x-api-key": KEY}))
        await post(
            "/v1/messages",
            data=io.BytesIO(
                json.dumps({"model": "claude-sonnet-4-6", "max_tokens": 5, "messages": long}).encode()
            ),
            headers=_headers({"x-api-key": KEY}),
        )
        for wrong in (f'"{KEY}"', f" {KEY}", KEY + "\u200b"):
            await post("/v1/messages", data=PROMPT.encode(), headers=_headers({"x-api-key": wrong}))
        await post("/v1/messages", data=b"{}", headers=_headers({"Authorization": f"Bearer: {KEY}"}))
        await post("/v1/files", data=PROMPT.encode(), headers=_headers({"Authorization": f"Bearer {KEY}"}))
        await post(f"/v1/{PROMPT}?key={KEY}", data=b"{}", headers=_headers({"x-api-key": KEY}))
    return statuses


def _headers(credential: dict[str, str]) -> dict[str, str]:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    return {"anthropic-version": "2023-06-01", "traceparent": trace, "baggage": f"p={PROMPT}",
            "x-claude-code-session-id": KEY, "x-claude-feature": KEY, **credential}  # fmt: skip


def _not_http() -> list[bytes]:
    key = KEY.encode()
    return [
        b"GARBAGE " + key + b"\r\n\r\n",
        b"POST /v1/messages HTTP/1.1\r\nhost: a\r\nx-api-key : " + key + b"\r\n\r\n",
        b"POST /v1/messages HTTP/1.1\r\nhost: a\r\nx-api-key: " + key + b"\r\ncontent-length: 5\r\n"
        b"transfer-encoding: chunked\r\n\r\n" + PROMPT.encode(),
        b"POST /v1/messages HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz"
        + PROMPT.encode()
        + b"\r\n",
        b"GET http://" + key + b"/ HTTP/1.1\r\nhost: a\r\n\r\n",
    ]


async def _send_raw(port: int, data: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    await asyncio.wait_for(reader.read(), 60)
    writer.close()


async def _until_refused(whole: Whole) -> None:
    """The watcher looks every second."""
    for _ in range(1200):
        if json.loads(await asyncio.to_thread(whole.admin_text, "/status"))["lastError"]:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the bad policy was not noticed")
