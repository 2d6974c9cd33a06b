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


def test_the_overview_is_by_the_rules_and_the_opening_lines_lead_to_the_examples() -> None:
    overview = PAGE.partition("<!-- overview")[2].partition("<!-- end of overview")[0]
    cells = [line.split(" | ") for line in overview.splitlines() if line.startswith("| ")][2:]
    named = {re.sub(r"^.*?: |, SDK stopped.*$", "", cell.strip(" |")) for row in cells for cell in row[2:]}
    assert named <= {rule.name for rule in RULES}
    (overloaded,) = (row for row in cells if "529" in row[0].strip("| ").split("; "))
    assert overloaded[-1].strip(" |") == "deliver: deadline passed"
    opening, headings = PAGE.partition("## At a glance")[0], re.findall(r"^### (.+)$", PAGE, re.MULTILINE)
    anchors = re.findall(r"\(#([\w-]+)\)", opening)
    assert "a-529-after-the-deadline" in anchors
    assert set(anchors) <= {heading.lower().replace(" ", "-") for heading in headings}


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
