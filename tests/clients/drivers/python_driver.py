"""The Python SDK as a program: see README.md beside this file. Runs with 0.x and 2.x alike."""

import json
import sys
from collections.abc import Mapping
from typing import Any

import anthropic

MODEL = "claude-sonnet-4-6"
ASK = [{"role": "user", "content": "Say something about the sea."}]
TOOL = {
    "name": "get_weather",
    "description": "Weather at a place",
    "input_schema": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
}
Facts = dict[str, Any]


class Scenes:
    """What can be done with a client; each method gives what the SDK made of it, and the answer's headers."""

    def __init__(self, client: anthropic.Anthropic, model: str, headers: Mapping[str, str]) -> None:
        self.client, self.headers = client, headers
        self.ask: Facts = {"model": model, "messages": ASK, "extra_headers": headers}

    def message(self) -> tuple[Facts, Mapping[str, str]]:
        raw = self.client.messages.with_raw_response.create(**self.ask, max_tokens=1000)
        return _message(raw.parse()), raw.headers

    def stream(self) -> tuple[Facts, Mapping[str, str]]:
        with self.client.messages.stream(**self.ask, max_tokens=1000) as stream:
            pieces = list(stream.text_stream)
            final = stream.get_final_message()
            return {
                **_message(final),
                "pieces": len(pieces),
                "joined": "".join(pieces),
            }, stream.response.headers

    def tool(self) -> tuple[Facts, Mapping[str, str]]:
        choice = {"type": "tool", "name": TOOL["name"]}
        raw = self.client.messages.with_raw_response.create(
            **self.ask, max_tokens=1000, tools=[TOOL], tool_choice=choice
        )
        message = raw.parse()
        used = [block for block in message.content if block.type == "tool_use"]
        return {"tool": used[0].name, "input": used[0].input, "stop_reason": message.stop_reason}, raw.headers

    def count_tokens(self) -> tuple[Facts, Mapping[str, str]]:
        raw = self.client.messages.with_raw_response.count_tokens(**self.ask)
        return {"input_tokens": raw.parse().input_tokens}, raw.headers

    def models(self) -> tuple[Facts, Mapping[str, str]]:
        raw = self.client.models.with_raw_response.list(extra_headers=self.headers)
        return {"ids": [model.id for model in raw.parse()]}, raw.headers

    def upload(self) -> tuple[Facts, Mapping[str, str]]:
        given = ("sea.txt", b"waves" * 1000, "text/plain")
        raw = self.client.files.with_raw_response.upload(file=given, extra_headers=self.headers)
        file = raw.parse()
        return {"filename": file.filename, "size": file.size_bytes, "mime_type": file.mime_type}, raw.headers

    def batch_results(self) -> tuple[Facts, Mapping[str, str]]:
        params = {"model": self.ask["model"], "max_tokens": 1000, "messages": ASK}
        asked = [{"custom_id": name, "params": params} for name in ("one", "two")]
        batches = self.client.messages.batches
        raw = batches.with_raw_response.create(requests=asked, extra_headers=self.headers)
        batch = batches.retrieve(raw.parse().id, extra_headers=self.headers)
        results = batches.results(batch.id, extra_headers=self.headers)
        ours = str(batch.results_url).startswith(str(self.client.base_url))
        found = sorted([line.custom_id, line.result.type] for line in results)
        return {"results": found, "results_url_is_under_base_url": ours}, raw.headers


def _message(message: Any) -> Facts:
    text = "".join(block.text for block in message.content if block.type == "text")
    usage = message.usage
    return {
        "text": text,
        "model": message.model,
        "stop_reason": message.stop_reason,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
    }


def _sidecar(headers: Mapping[str, str]) -> Facts:
    return {name: headers.get(f"x-claude-sidecar-{name}") for name in ("route", "attempts", "cause")}


def play(client: anthropic.Anthropic, scene: Facts) -> Facts:
    """One scene, as the line to print."""
    scenes = Scenes(client, scene.get("model", MODEL), scene.get("headers", {}))
    try:
        made, headers = getattr(scenes, scene["do"])()
    except anthropic.APIStatusError as error:
        told = {
            "class": type(error).__name__,
            "status": error.status_code,
            "type": error.type,
            "request_id": error.request_id,
        }
        return {"name": scene["name"], "error": told, **_sidecar(error.response.headers)}
    except Exception as error:
        told = {"class": type(error).__name__, "status": None, "type": str(error), "request_id": None}
        return {"name": scene["name"], "error": told, **_sidecar({})}
    return {"name": scene["name"], "ok": made, **_sidecar(headers)}


def main() -> None:
    """Plays what standard input asks for."""
    asked = json.load(sys.stdin)
    given = {"max_retries": asked.get("max_retries"), "timeout": asked.get("read_timeout_s")}
    options = {name: value for name, value in given.items() if value is not None}
    client = anthropic.Anthropic(base_url=asked["base_url"], api_key=asked["key"], **options)
    for scene in asked["scenes"]:
        print(json.dumps(play(client, scene)), flush=True)


if __name__ == "__main__":
    main()
