"""Uploads and batches: what is stored, listed, given back, and to whom."""

import asyncio
import json

import pytest

from claude_sidecar.simulator.multipart import Splitter

KIND = "multipart/form-data; boundary=xyz"
OTHER = "sk-ant-api03-other"


def form(content, name="file", extra=""):
    head = f'--xyz\r\nContent-Disposition: form-data; name="{name}"; filename="a.txt"\r\n'
    return (
        head.encode()
        + b"Content-Type: text/plain\r\n\r\n"
        + content
        + b"\r\n"
        + extra.encode()
        + b"--xyz--\r\n"
    )


def field(name, value):
    return f'--xyz\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'


async def test_file_is_uploaded_listed_read_and_deleted(started):
    content = bytes(range(256)) * 1000
    async with started() as bench:
        made = await bench.ask("POST", "/v1/files", form(content), lines=[("content-type", KIND)])
        file_id = made.json()["id"]
        listed = (await bench.ask("GET", "/v1/files")).json()
        read = await bench.ask("GET", f"/v1/files/{file_id}/content")
        foreign = await bench.ask("GET", f"/v1/files/{file_id}", key=OTHER)
        deleted = await bench.ask("DELETE", f"/v1/files/{file_id}")
        gone = await bench.ask("GET", f"/v1/files/{file_id}")
        entry = bench.calls()[0]
    assert made.json()["size_bytes"] == len(content)
    assert made.json()["filename"] == "a.txt"
    assert [file["id"] for file in listed["data"]] == [file_id]
    assert read.body == content
    assert read.header("content-type") == "text/plain"
    assert deleted.json() == {"id": file_id, "type": "file_deleted"}
    assert (foreign.status, gone.status) == (404, 404)
    assert entry.request_bytes == len(form(content))
    assert entry.request_sha256 is not None


async def test_large_file_is_counted_and_not_kept(started):
    async with started() as bench:
        made = await bench.ask("POST", "/v1/files", form(b"x" * 9_000_000), lines=[("content-type", KIND)])
        read = await bench.ask("GET", f"/v1/files/{made.json()['id']}/content")
    assert made.json()["size_bytes"] == 9_000_000
    assert made.json()["downloadable"] is False
    assert read.status == 400


@pytest.mark.looptime
async def test_file_expires(started):
    async with started() as bench:
        data = form(b"x", extra=field("expires_in_seconds", 3600))
        made = (await bench.ask("POST", "/v1/files", data, lines=[("content-type", KIND)])).json()
        await asyncio.sleep(3601)
        gone = await bench.ask("GET", f"/v1/files/{made['id']}")
    assert gone.json()["error"]["details"] == {"error_code": "file_expired"}


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (form(b"x", name="other"), KIND),
        (form(b"x")[:-8], KIND),
        (b"no form", KIND),
        (form(b"x"), "application/json"),
        (form(b"x", extra=field("expires_in_seconds", 5)), KIND),
    ],
)
async def test_upload_that_is_wrong_is_refused_and_the_connection_lives(started, data, kind):
    lines = [("content-type", kind), ("x-api-key", "sk-ant-api03-x"), ("anthropic-version", "2023-06-01")]
    async with started() as bench, bench.connection() as connection:
        for _ in range(2):
            await connection.send("POST", "/v1/files", lines, data)
            assert (await connection.receive()).status == 400


async def test_upload_meets_rules_and_key_checks(started):
    async with started("rules: [{match: {path: /v1/files}, times: 1, status: 503}]") as bench:
        lines = [("content-type", KIND)]
        statuses = [
            (await bench.ask("POST", "/v1/files", form(b"x"), lines=lines)).status,
            (await bench.ask("POST", "/v1/files", form(b"x"), lines=lines, key="nonsense")).status,
            (await bench.ask("POST", "/v1/files", form(b"x"), lines=lines)).status,
        ]
        assert statuses == [503, 401, 200]
        assert bench.calls()[0].request_bytes == len(form(b"x"))


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
def test_form_is_split_alike_however_it_is_cut(step):
    data = form(b"a\r\n--xy\r\nb", extra=field("n", "") + field("m", "5"))
    splitter = Splitter(KIND, 100)
    for start in range(0, len(data), step):
        splitter.feed(data[start : start + step])
    assert splitter.finished
    parts = [(part.name, bytes(part.kept), part.size) for part in splitter.parts]
    assert parts == [("file", b"a\r\n--xy\r\nb", 10), ("n", b"", 0), ("m", b"5", 1)]


def asked(name, **change):
    params = {"model": "claude-opus-4-8", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    return {"custom_id": name, "params": params | change}


async def test_batch_gives_an_absolute_results_url_and_a_line_a_request(started):
    async with started() as bench:
        body = {"requests": [asked("a"), asked("b", model="claude-none")]}
        made = (await bench.ask("POST", "/v1/messages/batches", body)).json()
        ended = (await bench.ask("GET", f"/v1/messages/batches/{made['id']}")).json()
        listed = (await bench.ask("GET", "/v1/messages/batches")).json()
        results = await bench.ask("GET", f"/v1/messages/batches/{made['id']}/results")
        foreign = await bench.ask("GET", f"/v1/messages/batches/{made['id']}", key=OTHER)
    lines = [json.loads(line) for line in results.body.splitlines()]
    assert (made["processing_status"], made["results_url"]) == ("in_progress", None)
    assert ended["processing_status"] == "ended"
    assert ended["results_url"] == f"{bench.base_url}/v1/messages/batches/{made['id']}/results"
    assert listed["data"] == [ended]
    assert [(line["custom_id"], line["result"]["type"]) for line in lines] == [
        ("a", "succeeded"),
        ("b", "errored"),
    ]
    assert results.header("transfer-encoding") == "chunked"
    assert foreign.status == 404


async def test_results_can_be_said_to_be_elsewhere(started):
    async with started("results_origin: https://api.anthropic.com") as bench:
        made = (await bench.ask("POST", "/v1/messages/batches", {"requests": [asked("a")]})).json()
        ended = (await bench.ask("GET", f"/v1/messages/batches/{made['id']}")).json()
    assert ended["results_url"].startswith("https://api.anthropic.com/v1/messages/batches/")


@pytest.mark.looptime
async def test_batch_takes_its_time_and_can_be_cancelled_meanwhile(started):
    async with started("timing: {batch: 60}") as bench:
        first, second = [
            (await bench.ask("POST", "/v1/messages/batches", {"requests": [asked("a")]})).json()["id"]
            for _ in range(2)
        ]
        early = await bench.ask("GET", f"/v1/messages/batches/{first}/results")
        undeleted = await bench.ask("DELETE", f"/v1/messages/batches/{first}")
        cancelled = await bench.ask("POST", f"/v1/messages/batches/{second}/cancel")
        results = await bench.ask("GET", f"/v1/messages/batches/{second}/results")
        await asyncio.sleep(61)
        late = await bench.ask("GET", f"/v1/messages/batches/{first}/results")
        deleted = await bench.ask("DELETE", f"/v1/messages/batches/{first}")
    assert (early.status, undeleted.status, late.status, deleted.status) == (400, 400, 200, 200)
    assert cancelled.json()["processing_status"] == "canceling"
    assert json.loads(results.body)["result"] == {"type": "canceled"}


@pytest.mark.parametrize(
    "requests", [[], None, [{}], [asked("a b")], [asked("a"), asked("a")], [{"custom_id": "a"}]]
)
async def test_batch_that_is_wrong_is_refused(started, requests):
    async with started() as bench:
        answer = await bench.ask("POST", "/v1/messages/batches", {"requests": requests})
    assert answer.status == 400
