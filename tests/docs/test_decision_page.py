"""docs/decision.md prints the tables that the decision goes by."""

import re

from support.project import ROOT

import gen_decision
from claude_sidecar.causes import Cause
from claude_sidecar.policy.rules import RULES

PAGE = gen_decision.PAGE.read_text()


def test_the_tables_on_the_page_are_fresh() -> None:
    assert gen_decision.renewed(PAGE) == PAGE, "run tools/gen_decision.py"


def test_every_cause_and_every_rule_is_on_the_page() -> None:
    assert [cause for cause in Cause if f"| `{cause}` |" not in PAGE] == []
    assert [rule.name for rule in RULES if f"[{rule.name}]" not in PAGE] == []


def test_each_rule_leads_to_the_line_of_its_code() -> None:
    links = re.findall(r"\[([^]]+)\]\(\.\./(agent/[\w/]+\.py)#L(\d+)\)", PAGE)
    assert len(links) == len(RULES)
    for (name, file, line), rule in zip(links, RULES, strict=True):
        assert name == rule.name
        code = (ROOT / file).read_text().splitlines()[int(line) - 1]
        assert code.startswith(f"def {rule.decide.__name__}(")


def test_the_rules_that_the_page_speaks_of_are_rules() -> None:
    named = re.findall(r"`([a-z]+(?: [a-z-]+)+)`", PAGE.partition("## Read it like this")[2])
    assert len(named) > 5
    assert set(named) <= {rule.name for rule in RULES}
