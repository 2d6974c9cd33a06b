"""One rule of the decision: a row of the table in rules.py, and the reason that each step carries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from claude_sidecar.policy.reasons import StopReason, WaitReason

if TYPE_CHECKING:
    from claude_sidecar.policy.actions import Step
    from claude_sidecar.policy.call_state import CallState
    from claude_sidecar.policy.moment import Moment


class Situation(StrEnum):
    """What a call has just come to: each rule is asked in some of these.

    REFUSED: nothing has come yet but refusals of our own key by later routes.
    """

    START = "start"
    SUCCEEDED = "success"
    FAILED = "failure"
    REFUSED = "refusal"
    WAITED = "wait"


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """A rule answers with a step, or leaves the question to those below it.

    name: as the documents, `explain` and tests call it. when: in which situations it is asked. decide: the
    step if the rule holds, else None; it is given its own row, which becomes the step's reason. then: why the
    call is stopped or waits by it, None where it sends. says: the condition and what follows, for the
    documents. explained: the same with a call's own figures. fields: of the policy that it reads.
    """

    name: str
    when: tuple[Situation, ...]
    decide: Callable[[Moment, Rule], Step | None]
    then: StopReason | WaitReason | None
    says: str
    explained: Callable[[CallState], str]
    fields: tuple[str, ...] = ()


def _no_step(moment: Moment, why: Rule) -> None:
    """Takes no step."""


NO_RULE = Rule("no rule", (), _no_step, None, "A step that no rule took.", lambda call: "")
"""The reason of a step that was not decided, such as the end of a call for want of file descriptors."""
