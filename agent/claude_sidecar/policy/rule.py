"""One rule of the decision: a row of the table in rules.py, and the reason that each step carries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from claude_sidecar.policy.reasons import StopReason, WaitReason

if TYPE_CHECKING:
    from claude_sidecar.policy.actions import Step
    from claude_sidecar.policy.call_state import CallState
    from claude_sidecar.policy.moment import Moment


class Situation(StrEnum):
    """What a call has just come to: each rule is asked after some of these.

    REFUSAL: nothing has come yet but refusals of our own key by later routes.
    """

    START = "start"
    SUCCESS = "success"
    FAILURE = "failure"
    REFUSAL = "refusal"
    WAIT = "wait"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Rule:
    """A rule answers with a step, or leaves the question to those below it.

    name: as the documents, `explain` and tests call it. asked_after: the situations in which it is asked.
    says: the condition and what follows, for the documents. then: why the call is stopped or waits by it, or
    that it sends; None of `NO_RULE` alone. reads: fields of the policy. decide: the step if the rule holds,
    else None; it is given its own row, which becomes the step's reason. explained: what the rule says, with a
    call's own figures.
    """

    name: str
    asked_after: tuple[Situation, ...]
    says: str
    then: StopReason | WaitReason | Literal["send"] | None
    reads: tuple[str, ...] = ()
    decide: Callable[[Moment, Rule], Step | None]
    explained: Callable[[CallState], str]


def _no_step(moment: Moment, why: Rule) -> None:
    """Takes no step."""


NO_RULE = Rule(
    name="no rule",
    asked_after=(),
    says="A step that no rule took.",
    then=None,
    decide=_no_step,
    explained=lambda call: "",
)
"""The reason of a step that was not decided, such as the end of a call for want of file descriptors."""
