"""What docs/explain.md shows is what `explain` prints."""

import re
import shlex

import pytest
from support.documents import blocks
from support.project import ROOT

from claude_sidecar.cli.main import main

PAGE = ROOT / "docs" / "explain.md"
(LOGGED,) = blocks(PAGE, "json")
SESSIONS = blocks(PAGE, "console")


@pytest.mark.parametrize("session", SESSIONS)
def test_a_session_is_what_is_printed(
    session: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    line, _, shown = session.partition("\n")
    _, *args = shlex.split(line.removeprefix("$ "))
    with pytest.raises(SystemExit) as ended:
        main([arg.replace("$LINE", LOGGED.strip()) for arg in args])
    assert not ended.value.code
    assert re.fullmatch(".*".join(map(re.escape, shown.split("…"))), capsys.readouterr().out)


def test_what_the_table_names_is_explained(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    rows = re.findall(r"^\| [^|]+ \| `(--[^`]+)`", PAGE.read_text("utf-8"), re.MULTILINE)
    assert len(rows) == 6
    for row in rows:
        with pytest.raises(SystemExit) as ended:
            main(["explain", "examples/two-organisations.yaml", *shlex.split(row)])
        assert not ended.value.code, row
        assert "counts as" not in capsys.readouterr().out
