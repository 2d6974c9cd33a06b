"""The page about replays: its picture is what the command prints, its YAML can be played."""

import re
import shlex

import pytest
import yaml
from support.documents import blocks
from support.project import ROOT

from claude_sidecar.cli.main import main
from claude_sidecar.replay.outage_file import outage_in
from claude_sidecar.replay.written import PlayedRule

PAGE = ROOT / "docs" / "replay.md"


@pytest.mark.long
def test_the_example_is_what_the_command_prints(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    (block,) = blocks(PAGE, "console")
    line, _, printed = block.partition("\n")
    with pytest.raises(SystemExit):
        main(shlex.split(line.removeprefix("$ claude-sidecar ")))
    assert capsys.readouterr().out == printed


def test_the_documented_outage_can_be_played() -> None:
    (block,) = blocks(PAGE, "yaml")
    assert len(outage_in(block.encode(), "docs/replay.md").calls) == 840 + 540


def test_the_documented_rules_can_be_played() -> None:
    table = PAGE.read_text().partition("| what is wrong | rule |")[2].partition("\n\n")[0]
    rules = re.findall(r"`(\{.*?\})`", table)
    assert len(rules) > 10
    for rule in rules:
        PlayedRule.model_validate(yaml.safe_load(rule))


def test_all_outages_that_ship_are_listed() -> None:
    listed = re.findall(r"\.\./examples/outages/([\w-]+\.yaml)", PAGE.read_text())
    assert sorted(listed) == sorted(path.name for path in (ROOT / "examples" / "outages").glob("*"))
