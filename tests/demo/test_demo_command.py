"""`claude-sidecar demo` as a user runs it: what it shows, how it exits, what it leaves behind."""

import json
import os
import re
import signal
import sys
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from claude_sidecar.demo.scenes import SCENES

pytestmark = pytest.mark.processes

Start = Callable[..., Any]
GET = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


def rows_of(table: str) -> dict[str, list[str]]:
    """The rows of the table by their first cell, the cells of continuation lines joined."""
    lines = table.splitlines()
    rule = next(number for number, line in enumerate(lines) if re.fullmatch(r"(-+ *)+", line))
    spans = [match.span() for match in re.finditer("-+", lines[rule])]
    rows: list[list[str]] = []
    for line in lines[rule + 1 :]:
        if line.startswith("added ms"):
            break
        cells = [line[begin:end].strip() for begin, end in spans]
        if cells[3]:
            rows.append(cells)
        else:
            rows[-1] = [f"{first} {more}".strip() for first, more in zip(rows[-1], cells, strict=True)]
    return {row[0]: row[1:] for row in rows}


def test_every_scene_goes_as_promised_in_under_thirty_seconds_and_nothing_is_left(start: Start) -> None:
    began = time.monotonic()
    demo = start()
    code, told = demo.end()
    assert code == 0, told
    assert time.monotonic() - began < 30
    assert max(map(len, told.splitlines())) <= 120
    assert "log has errors" not in told
    assert told.count("as promised") == len(SCENES)
    rows = rows_of(told)
    assert list(rows) == [scene.name for scene in SCENES]
    assert rows["529 on route one"][0] == "anthropic 529; second-org 200"
    assert rows["529 on route one"][2:4] == ["2", "second-org"]
    assert rows["body of 34 MiB"][1:4] == ["ContentTooLargeError 413: gateway_request_too_large", "0", "none"]
    assert float(rows["429 with retry-after: 1"][4].replace(",", "")) >= 990
    assert "Use claude-opus-4-7" in told
    assert "claude_sidecar.fallback  from=anthropic to=second-org cause=Overloaded" in told
    assert re.search(r"Admin page: http://127\.0\.0\.1:\d+/ ", told)
    pid = re.search(r"process (\d+)", told)
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid[1]), 0)
    assert demo.leaves_nothing(told)


def test_scene_that_goes_otherwise_is_told_with_expected_and_seen_and_exits_1(start_one: Start) -> None:
    demo = start_one(scene="529 on route one", change=("maxAttempts: 6", "maxAttempts: 1"))
    code, told = demo.end()
    assert code == 1
    assert "GONE OTHERWISE" in told
    assert re.search(r"served: expected anthropic 529, second-org 200\n +seen +anthropic 529\n", told)
    assert demo.leaves_nothing(told)


def test_sidecar_that_refuses_its_policy_is_told_in_its_own_words(start_one: Start) -> None:
    demo = start_one(scene="plain call", change=("maxAttempts: 6", "maxAttempts: 99"))
    code, told = demo.end()
    assert code == 1
    assert "the sidecar did not start" in told
    assert "maxAttempts" in told.partition("did not start")[2]
    assert "Unknown child process" not in told
    assert list(demo.temp.iterdir()) == []


def test_keep_leaves_the_admin_page_up_until_ctrl_c(start_one: Start) -> None:
    demo = start_one("--keep", scene="plain call")
    told = demo.read_until("Ctrl-C ends it all")
    admin = re.search(r"^Admin page: (\S+)$", told, re.MULTILINE)
    assert admin is not None
    with GET(admin[1], timeout=10) as page:
        assert b"<html" in page.read()
    with GET(f"{admin[1]}requests", timeout=10) as requests:
        assert [call["status"] for call in json.load(requests)] == [200]
    demo.process.send_signal(signal.SIGINT)
    assert demo.end() == (0, "")
    assert demo.leaves_nothing(told)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_demo_that_is_broken_off_ends_its_sidecar(start: Start, number: int, code: int) -> None:
    demo = start()
    told = demo.read_until("1/11")
    demo.process.send_signal(number)
    assert demo.end()[0] == code
    assert demo.leaves_nothing(told)


def test_sidecar_of_a_demo_that_was_killed_ends_by_itself(start: Start) -> None:
    demo = start()
    told = demo.read_until("1/11")
    demo.process.kill()
    demo.process.wait()
    assert demo.leaves_nothing(told)


def test_reader_that_has_seen_enough_ends_the_demo_without_a_failure(start: Start) -> None:
    demo = start()
    told = demo.read_until("1/11")
    demo.process.stdout.close()
    assert demo.process.wait(timeout=30) == 0
    assert demo.leaves_nothing(told)


def test_without_the_sdk_it_says_how_to_install_it(start: Start) -> None:
    hidden = "import sys; sys.modules['anthropic'] = None"
    code = f"{hidden}; from claude_sidecar.cli.main import main; main(['demo'])"
    exit_code, told = start(command=(sys.executable, "-c", code)).end()
    assert exit_code == 1
    assert "pip install 'claude-sidecar[demo]'" in told
    assert "Traceback" not in told
