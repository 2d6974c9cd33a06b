"""Names on a machine of their own: the system's resolver, a pod's resolv.conf, an odd name server."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.fakes import name_server_world
from support.fakes.name_server_world import OWN_MACHINE, SEARCH, SILENT

pytestmark = pytest.mark.own_machine

PROGRAM = Path(sys.executable).parent / "claude-sidecar"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of the calls, by host."""
    folder = tmp_path_factory.mktemp("machine")
    command = [*OWN_MACHINE, sys.executable, name_server_world.__file__, str(PROGRAM), str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    told: dict[str, Any] = json.loads(ended.stdout)
    return told | {"log": (folder / "sidecar.log").read_text()}


def asked(results: dict[str, Any], host: str) -> list[str]:
    """What the name server was asked for a call, in the order of the alphabet: families ask at once."""
    assert (results[host]["status"], results[host]["text"]) == (200, '{"type": "message"}')
    return sorted(results[host]["asked"])


def test_cold_call_costs_one_question_a_family_in_a_pod_too(results) -> None:
    assert asked(results, "cold.example.com") == ["A cold.example.com", "AAAA cold.example.com"]


def test_name_of_a_service_is_found_by_the_search_list(results) -> None:
    names = ("llm.team.svc", *(f"llm.team.svc.{domain}" for domain in SEARCH))
    assert asked(results, "llm.team.svc") == sorted(
        f"{kind} {name}" for kind in ("A", "AAAA") for name in names
    )


def test_name_in_the_hosts_file_asks_nobody(results) -> None:
    assert asked(results, "hosts.example.com") == []


def test_swallowed_family_costs_no_time_out(results) -> None:
    assert asked(results, "swallowed.example.com") == [
        "A swallowed.example.com",
        "AAAA swallowed.example.com",
    ]
    assert results["swallowed.example.com"]["seconds"] < 2


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("garbage.example.com", "garbage.example.com was not resolved within 3 s; check the name server"),
        (SILENT, f"{SILENT} was not resolved within 3 s; check the name server"),
        ("unknown.example.com", "unknown.example.com does not resolve: "),
    ],
)
def test_name_that_is_not_found_out_is_told(host, words, results) -> None:
    assert results[host]["status"] == 502
    assert words in results[host]["text"]


def test_silent_name_holds_up_no_other(results) -> None:
    """Nor do fifty addresses."""
    assert "A fifty.example.com" in asked(results, "fifty.example.com")
    assert results["overtaken"]


def test_look_up_that_is_still_running_does_not_hold_up_the_end(results) -> None:
    assert results["exit"]["code"] == 0
    assert results["exit"]["seconds"] < 10
    assert "Traceback" not in results["log"]
    assert "never retrieved" not in results["log"]
