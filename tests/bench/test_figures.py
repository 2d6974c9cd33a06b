"""The benchmark's table: medians, what is added, bars."""

from bench.figures import FIGURES, Figure, Way, rows, table

# By round; the second one was disturbed.
ROUNDS = {
    "requests.direct": [30000.0, 9000.0, 31000.0],
    "requests.sidecar": [3500.0, 900.0, 3600.0],
    "p50.direct": [0.10, 0.90, 0.11],
    "p50.sidecar": [0.50, 1.60, 0.52],
    "first_p99.direct": [0.5, 0.5, 0.5],
    "first_p99.sidecar": [4.0, 4.1, 4.2],
    "rss_idle.sidecar": [60.0],
}


def test_a_disturbed_round_does_not_move_the_median() -> None:
    found = {row.figure.key: row for row in rows(ROUNDS)}
    assert found["requests"].value == 3500
    assert found["requests"].spread == (900, 3600)


def test_what_is_added_is_taken_round_by_round() -> None:
    found = {row.figure.key: row for row in rows(ROUNDS)}
    assert round(found["p50"].value, 3) == 0.41
    assert found["p50"].direct == 0.11


def test_a_bar_is_met_or_not_and_a_figure_without_one_is_neither() -> None:
    found = {row.figure.key: row.met for row in rows({**ROUNDS, "delay_p50.sidecar": [1.0]})}
    assert found == {
        "requests": True, "p50": True, "first_p99": False, "rss_idle": True, "delay_p50": None
    }  # fmt: skip


def test_only_what_was_measured_has_a_row() -> None:
    assert [row.figure.key for row in rows({"ready.sidecar": [0.5]})] == ["ready"]


def test_the_table_shows_figure_bar_and_verdict_in_lines_of_one_width() -> None:
    lines = table(rows(ROUNDS)).splitlines()
    assert len({len(line) for line in lines}) == 1
    cells = [cell.strip() for cell in lines[2].split("|")[1:-1]]
    assert cells == [
        "requests a second, 32 connections", "1/s", "30,000", "3,500", "", "900 .. 3,600", ">= 3000", "met"
    ]  # fmt: skip
    assert "NOT MET" in lines[4]


def test_what_is_judged_by_what_it_adds_has_a_direct_counterpart() -> None:
    assert Figure("x", "x", "").way is Way.SIDECAR
    assert {f.key for f in FIGURES if f.way is Way.ADDED} == {"p50", "p99", "first_p50", "first_p99"}
