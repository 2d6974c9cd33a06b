"""The manual names every field, and its examples are understood."""

import re

import pytest
from support.project import ROOT

from claude_sidecar.cli.simulate import command
from claude_sidecar.simulator import parse, trial
from claude_sidecar.simulator.ledger import Entry
from claude_sidecar.simulator.rule import Match, Rule
from claude_sidecar.simulator.scenario import AnswerShape, Key, Limits, Scenario, Timing

MANUAL = (ROOT / "docs" / "simulator.md").read_text()
NAMES = [
    *(
        name
        for model in (Scenario, Key, Limits, Timing, AnswerShape, Match, Rule)
        for name in model.model_fields
    ),
    *Entry.__slots__,
    *(option for parameter in command.params for option in parameter.opts),
]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", MANUAL, re.DOTALL)


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"help", "name"}))
def test_manual_names_it(name):
    assert re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", MANUAL)


def test_scenario_of_the_manual_is_understood():
    [text] = blocks("yaml")
    assert len(parse(text.encode()).rules) == 3


def test_headers_of_the_manual_are_understood():
    [text] = blocks("text")
    assert all(trial.parse(line) for line in text.splitlines())
