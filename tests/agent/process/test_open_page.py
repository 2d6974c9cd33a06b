"""What an open page costs a running sidecar, and what a calm one shows."""

import asyncio
import json
from collections.abc import Callable

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from support.fakes.raw_client import RawConnection, connected, request_bytes
from support.fakes.sse_reader import read_events
from support.fakes.wire_bytes import message_body
from tests.agent.process.conftest import Whole

pytestmark = pytest.mark.long

CALLS_A_SECOND = 20
SECONDS = 8
MOST_OF_A_CORE = 0.01
SCENARIO = "seed: 1\nkeys: [{name: one, key: sk-ant-api03-caller}]\n"
POLICY = """\
apiVersion: claude-sidecar.dev/v1alpha1
kind: ClaudePolicy
metadata: {{name: page}}
spec:
  routes: [{{name: simulated, endpoint: "{upstream}"}}]
"""


def used_s(whole: Whole) -> float:
    """The processor time that the sidecar has used."""
    families = text_string_to_metric_families(whole.admin_text("/metrics"))
    samples = (sample for family in families for sample in family.samples)
    return next(sample.value for sample in samples if sample.name == "process_cpu_seconds_total")


async def call_for(seconds: float, port: int, first: int) -> None:
    """Twenty calls a second."""
    async with connected(port) as app:
        for number in range(int(seconds * CALLS_A_SECOND)):
            body = message_body(model="claude-haiku-4-5", max_tokens=first + number)
            lines = [(b"anthropic-version", b"2023-06-01"), (b"x-claude-feature", b"f%d" % (number % 8))]
            await app.send(request_bytes(lines=lines, body=body))
            assert (await app.receive()).status == 200
            await asyncio.sleep(1 / CALLS_A_SECOND)


async def read_page(page: RawConnection, events: list[bytes]) -> None:
    while piece := await page.chunk():
        events.append(piece)


async def test_an_open_page_costs_less_than_a_hundredth_of_a_core(start_whole: Callable[..., Whole]) -> None:
    whole = start_whole(SCENARIO, POLICY, {"OTEL_TRACES_EXPORTER": "none"})
    port, admin_port = (int(url.rpartition(":")[2]) for url in (whole.sidecar, whole.admin))
    await call_for(2, port, 1)
    before = used_s(whole)
    await call_for(SECONDS, port, 1000)
    alone = used_s(whole) - before
    async with connected(admin_port) as page:
        await page.send(request_bytes("GET", "/events", key=None))
        await page.head()
        events: list[bytes] = []
        reading = asyncio.ensure_future(read_page(page, events))
        before = used_s(whole)
        await call_for(SECONDS, port, 2000)
        watched = used_s(whole) - before
        reading.cancel()
    read = read_events(b"".join(events))
    told = sum(len(json.loads(event.data)) for event in read if event.name == "calls")
    assert told >= (SECONDS - 1) * CALLS_A_SECOND
    assert watched - alone < MOST_OF_A_CORE * SECONDS
    last = next(json.loads(event.data) for event in reversed(read) if event.name == "overview")
    assert last["troubles"] == []
