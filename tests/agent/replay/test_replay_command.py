"""The command `replay`: what it prints and writes, and its exit codes."""

import html.parser
import io
import json
import re
import sys
from pathlib import Path

import pytest
from support.played import attempt, entry, outage, overloaded
from support.project import ROOT

from claude_sidecar.cli.main import main

OUTAGES = ROOT / "examples" / "outages"
SINGLE = str(ROOT / "examples" / "single-key.yaml")
TWO = str(ROOT / "examples" / "two-organisations.yaml")
OVERLOADED = str(OUTAGES / "overloaded.yaml")
BRIEF = outage("{status: 529}", load="{calls_per_second: 2, model: claude-sonnet-4-6}", lasts=10)


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["replay", *args])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "outage.yaml"
    path.write_text(BRIEF)
    return str(path)


@pytest.fixture
def recorded(tmp_path: Path) -> str:
    calls = [entry(at, overloaded(), status=529) for at in range(5)] + [entry(8, attempt())]
    path = tmp_path / "calls.json"
    path.write_text(json.dumps(calls[::-1]))
    return str(path)


def test_a_policy_is_told_beside_the_one_in_force(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, file, "--policy", TWO, "--against", SINGLE)
    assert (code, err) == (0, "")
    assert re.search(r"^ +single-key +two-organisations$", out, re.MULTILINE)
    assert re.search(r"^answered +0 \(0.0 %\) +20 \(100.0 %\)$", out, re.MULTILINE)
    assert re.search(r"^failed: Overloaded +20 +0$", out, re.MULTILINE)
    assert re.search(r"^sends to second-org +- +\d+$", out, re.MULTILINE)
    assert "policy two-organisations: route first-org is the file's `first`" in out
    assert "calls that end otherwise: 20" in out
    assert "529 overloaded_error after" in out
    assert "and 15 more; --json lists" in out


def test_the_chart_marks_who_was_answered_and_who_was_not(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = run(capsys, file, "--policy", TWO, "--against", SINGLE)
    single, two = (
        part.split("\n\n")[0] for part in out.split("\nsingle-key\n")[1].split("\ntwo-organisations\n")
    )
    assert "#" in single
    assert ":" not in single
    assert ":" in two
    assert "#" not in two
    assert all(len(line) <= 100 for line in out.splitlines())


def test_json_has_the_figures_of_both_policies(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, file, "--policy", TWO, "--against", SINGLE, "--json", "--seed", "3")
    told = json.loads(out)
    old, new = told["policies"]
    assert (old["policy"], old["calls"], old["answered"]) == ("single-key", 20, 0)
    assert old["sends"] == {"anthropic": sum(len(found["ends"][0]["sends"]) for found in told["differences"])}
    assert old["waitedSeconds"] > 0
    assert (new["policy"], new["answered"], new["costUsd"]) == ("two-organisations", 20, None)
    assert list(new["sends"]) == ["first-org", "second-org"]
    assert (told["seed"], told["differing"], len(told["differences"])) == (3, 20, 20)
    assert told["differences"][0]["ends"][0]["errorType"] == "overloaded_error"


def test_what_has_no_price_is_told_and_nothing_else_costs(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(Path(TWO).read_text() + '  prices: [{model: claude-opus-5, inputPerMTok: "3"}]\n')
    _, out, _ = run(capsys, file, "--policy", str(other))
    assert re.search(r"^cost +no prices set +unpriced: input, output$", out, re.MULTILINE)


def test_prices_make_a_cost(file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    priced = tmp_path / "priced.yaml"
    priced.write_text(
        Path(SINGLE).read_text()
        + '  prices: [{model: claude-sonnet-4-6, inputPerMTok: "3", outputPerMTok: "15"}]\n'
    )
    well = tmp_path / "well.yaml"
    well.write_text(BRIEF.replace("{status: 529}", ""))
    _, out, _ = run(capsys, str(well), "--policy", str(priced), "--json")
    # 20 calls of 1,000 and 100 tokens
    assert json.loads(out)["policies"][1]["costUsd"] == "0.09"
    _, out, _ = run(capsys, str(well), "--policy", str(priced))
    assert re.search(r"^cost +no prices set +\$0.09$", out, re.MULTILINE)


def test_a_recording_stands_beside_the_built_in_policy_and_that_is_said(
    recorded: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = run(capsys, recorded, "--policy", TWO)
    told = " ".join(out.split())
    assert "recorded under policy recorded (hash 0123456789abcdef)" in told
    assert "beside it stands the built-in policy: give the recorded one with --against" in told
    assert "route first-org was never asked in the recording" in told
    _, out, _ = run(capsys, recorded, "--policy", TWO, "--against", SINGLE)
    assert "policy single-key has another hash" in " ".join(out.split())


class Checked(html.parser.HTMLParser):
    """Every tag and attribute of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def test_the_page_stands_alone_and_escapes_what_it_is_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "<script>alert(1)</script>"
    file, page = tmp_path / "outage.yaml", tmp_path / "out.html"
    file.write_text(BRIEF.replace("claude-sonnet-4-6", f"'{evil}'") + f"\nabout: '{evil}'\n")
    code, _, _ = run(capsys, str(file), "--policy", SINGLE, "--html", str(page))
    assert code == 0
    text = page.read_text()
    checked = Checked(text)
    assert "script" not in checked.tags
    assert {"svg", "table"} <= set(checked.tags)
    assert not {"src", "href", "style"} & {name for name, _ in checked.attributes}
    assert "http://" not in text
    assert "https://" not in text
    assert "default-src &#x27;none&#x27;" in text or "default-src 'none'" in text


def test_standard_input_is_an_outage_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(BRIEF.encode())))
    code, out, _ = run(capsys, "-", "--policy", SINGLE)
    assert code == 0
    assert "20 calls in 10s" in out
    assert run(capsys, "-", "--policy", "-")[0] == 2


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("missing.yaml", "--policy", SINGLE), "missing.yaml: can't be read: No such file"),
        ((str(OUTAGES), "--policy", SINGLE), "can't be read: Is a directory"),
        ((SINGLE, "--policy", SINGLE), "apiVersion: unknown field"),
        ((str(OUTAGES / "overloaded.yaml"), "--policy", str(OUTAGES / "overloaded.yaml")), "apiVersion"),
        (
            (str(OUTAGES / "overloaded.yaml"), "--policy", SINGLE, "--html", "no/such/folder.html"),
            "can't be written",
        ),
    ],
)
@pytest.mark.long
def test_what_is_wrong_with_the_input_is_said_in_a_sentence(
    args: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, *args)
    assert (code, out) == (1, "")
    assert said in err
    assert "Traceback" not in err


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_long_run_tells_how_far_it_is_where_somebody_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    long = tmp_path / "long.yaml"
    long.write_text(outage(load="{calls_per_second: 200}", lasts=10))
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    run(capsys, str(long), "--policy", SINGLE)
    assert "\r500 of 2,000 calls played" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r2,000 of 2,000 calls played\n")


@pytest.mark.long
def test_every_outage_that_ships_is_played(capsys: pytest.CaptureFixture[str]) -> None:
    for file in sorted(OUTAGES.glob("*.yaml")):
        code, out, _ = run(capsys, str(file), "--policy", TWO, "--json")
        told = json.loads(out)
        assert code == 0
        assert 300 <= told["outage"]["calls"] <= 2000, file
        assert told["policies"][0]["answered"] <= told["policies"][1]["answered"], file


def test_names_of_a_file_cannot_steer_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "calls.json"
    path.write_text(json.dumps([entry(0, overloaded(route="\x1b[31mred"), policy="\x1b]0;title\x07")]))
    code, out, _ = run(capsys, str(path), "--policy", SINGLE)
    assert code == 0
    assert "\x1b" not in out
    assert "?[31mred" in out
