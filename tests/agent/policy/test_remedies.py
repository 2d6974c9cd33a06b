"""What would change the end of a call is said for each end, by fields that a policy has."""

import re

import pytest
from support.project import ROOT

from claude_sidecar.policy.reasons import StopReason
from claude_sidecar.policy.remedies import REMEDIES
from claude_sidecar.policy.rules import RULES

FIELDS = set(re.findall(r"^\| `([^`]+)` \|", (ROOT / "docs" / "policy.md").read_text("utf-8"), re.MULTILINE))


def test_every_end_but_a_success_has_one() -> None:
    assert set(REMEDIES) == set(StopReason) - {StopReason.SUCCESS}


@pytest.mark.parametrize("reason", REMEDIES)
def test_each_names_fields_that_a_policy_has(reason: StopReason) -> None:
    named = re.findall(r"\b[a-z]+(?:\[\])?(?:\.[A-Za-z]+)+", REMEDIES[reason])
    assert [field for field in named if field not in FIELDS] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_rule_reads_fields_that_a_policy_has(rule: object) -> None:
    assert [field for field in rule.reads if field not in FIELDS] == []  # type: ignore[attr-defined]
