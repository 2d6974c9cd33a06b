"""What would change the end of a call is said for each end, by fields that a policy has."""

import re

import pytest
from support.project import ROOT

from claude_sidecar.causes import RETRYABLE, Cause, Listing
from claude_sidecar.policy.reasons import StopReason
from claude_sidecar.policy.remedies import remedy_for
from claude_sidecar.policy.rules import RULES

FIELDS = set(re.findall(r"^\| `([^`]+)` \|", (ROOT / "docs" / "policy.md").read_text("utf-8"), re.MULTILINE))


ENDS = [(reason, cause) for reason in StopReason for cause in (*Cause, None)]


def test_every_end_but_a_success_has_one() -> None:
    without = {reason for reason, cause in ENDS if remedy_for(reason, cause) is None}
    assert without == {StopReason.SUCCESS}


@pytest.mark.parametrize(("reason", "cause"), ENDS)
def test_each_names_fields_that_a_policy_has(reason: StopReason, cause: Cause | None) -> None:
    named = re.findall(r"\b[a-z]+(?:\[\])?(?:\.[A-Za-z]+)+", remedy_for(reason, cause) or "")
    assert [field for field in named if field not in FIELDS] == []


@pytest.mark.parametrize("cause", Cause)
def test_a_cause_is_to_be_listed_only_where_a_policy_can_list_it(cause: Cause) -> None:
    said = remedy_for(StopReason.CAUSE_NOT_LISTED, cause) or ""
    assert (f"{cause} in retry.causes" in said) == (cause in RETRYABLE)
    assert ("fallback.causes" in said) == (cause.row.fallback is not Listing.NEVER)
    assert ("may cure it" in said) == (cause in RETRYABLE)


@pytest.mark.parametrize("cause", sorted(set(Cause) - RETRYABLE))
def test_where_the_only_attempt_met_what_no_repeat_cures_more_attempts_are_no_remedy(cause: Cause) -> None:
    spent = remedy_for(StopReason.ATTEMPTS_SPENT, cause)
    assert spent == remedy_for(StopReason.CAUSE_NOT_LISTED, cause)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_rule_reads_fields_that_a_policy_has(rule: object) -> None:
    assert [field for field in rule.reads if field not in FIELDS] == []  # type: ignore[attr-defined]
