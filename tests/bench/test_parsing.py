"""What the benchmark reads: output of the load programs, cores, and the files that it writes."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bench.cores import share_out
from bench.figures import rows
from bench.loads import last_json
from bench.programs import CannotMeasure
from bench.results import keep

WRK = """Running 5s test @ http://127.0.0.1:1234
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
Requests/sec:   3500.12
{"rate": 3500.1, "errors": 0, "latency_ms": {"p50": 8.900, "p90": 9.500, "p99": 12.000, "max": 20.000}}
"""


def test_figures_are_read_from_the_line_of_json_among_other_lines() -> None:
    assert last_json(WRK)["latency_ms"]["p99"] == 12.0


def test_output_without_figures_is_an_error_that_shows_it() -> None:
    with pytest.raises(CannotMeasure, match="unable to connect"):
        last_json("unable to connect to 127.0.0.1")


def test_the_sidecar_gets_a_core_for_itself_where_there_are_two() -> None:
    cores = share_out(frozenset({0, 1, 2}))
    assert (cores.sidecar, cores.others, cores.pinned) == (frozenset({2}), frozenset({0, 1}), True)


def test_on_a_single_core_nothing_is_pinned() -> None:
    assert not share_out(frozenset({0})).pinned


def test_results_are_kept_by_date_as_json_and_as_a_table(tmp_path: Path) -> None:
    under = {
        "processor": "a processor", "cores": 2, "sidecar_alone_on_a_core": True, "priority": "",
        "python": "3.11", "rounds": 1, "seconds_per_load": 5.0, "small_calls_by": "wrk",
        "neighbours_percent": 3.0,
    }  # fmt: skip
    values = {"ready.sidecar": [0.51239]}
    kept = keep(rows(values), under, values, datetime(2026, 11, 23, 9, 5, tzinfo=UTC), tmp_path)
    assert kept.name == "2026-11-23-0905.md"
    assert "| start until ready " in kept.read_text()
    content = json.loads((tmp_path / "2026-11-23-0905.json").read_text())
    assert content["figures"]["ready"] == {"value": 0.5124, "met": True}
    assert content["rounds"] == {"ready.sidecar": [0.5124]}
