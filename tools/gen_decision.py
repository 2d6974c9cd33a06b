"""Writes the tables in docs/decision.md from the decision's own; `--check` only tells if one is stale."""

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import decision_overview
from claude_sidecar.causes import Cause, Listing, SdkRetries
from claude_sidecar.policy.actions import Deliver, GiveUp
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.reasons import StopReason, WaitReason
from claude_sidecar.policy.rule import Rule, Situation
from claude_sidecar.policy.rules import RULES
from claude_sidecar.policy.x_should_retry import stops_the_sdk
from claude_sidecar.proxy.gateway_errors import GatewayError, error_of
from claude_sidecar.schema.compile import compile_policy, default_policy

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "decision.md"
_BLOCK = re.compile(
    r"(<!-- (\w+): written by tools/gen_decision\.py -->\n).*?(<!-- end of \2 -->\n)", re.DOTALL
)
_LISTED = {Listing.NEVER: "no", Listing.POSSIBLE: "if named", Listing.DEFAULT: "yes"}
_NO_ATTEMPT = (StopReason.NO_ROUTE, StopReason.CREDENTIAL_MISSING)
"""Ends that a call has without an attempt."""

_ANSWERED = (StopReason.UPSTREAM_FORBIDS, StopReason.RETRY_AFTER_TOO_LONG)
"""Ends that only an answer's words can bring."""

_BY_THE_ENGINE = {StopReason.OUT_OF_FILES: GatewayError.BUSY}
"""Ends that no rule decides, and what is said where there is no answer."""


def main() -> None:
    """Renew the page, or exit 1 if it is stale."""
    before = PAGE.read_text()
    after = renewed(before)
    if "--check" in sys.argv[1:]:
        if before != after:
            sys.exit("docs/decision.md is stale: run tools/gen_decision.py")
        return
    PAGE.write_text(after)


def renewed(page: str) -> str:
    """The page with its tables as they are now."""
    return _BLOCK.sub(lambda block: f"{block[1]}\n{TABLES[block[2]]()}\n{block[3]}", page)


def causes() -> str:
    """A row a cause."""
    head = ("cause", "seen as", "what it is", "repeated", "other route", "counts for the breaker", "its SDK")
    return _table(head, map(_cause_row, Cause))


def rules() -> str:
    """A row a rule, in order, with the line of its code."""
    head = ("", "rule", "asked after", "says", "then", "reads")
    rows = ((str(number), *_rule_row(rule)) for number, rule in enumerate(RULES, 1))
    return _table(head, rows)


def ends() -> str:
    """What the app sees of each end, by asking the functions that decide it."""
    head = ("a call ends, since", "by the rules", "`x-should-retry`", "without any answer")
    reasons = [reason for reason in StopReason if reason is not StopReason.SUCCESS]
    return _table(head, map(_end_row, reasons))


def overview() -> str:
    """What comes first of each failure, by how the call stands."""
    return _table(decision_overview.head(), decision_overview.rows())


TABLES: dict[str, Callable[[], str]] = {"overview": overview, "causes": causes, "rules": rules, "ends": ends}


def _cause_row(cause: Cause) -> tuple[str, ...]:
    row = cause.row
    told = {
        SdkRetries.LEFT: "the upstream's `x-should-retry`",
        SdkRetries.STOPPED_WHEN_SPENT: "stopped when attempts are spent",
        SdkRetries.STOPPED: "stopped",
    }[row.sdk]
    for status in row.final_statuses:
        told += f"; stopped for {status}"
    repeated = _LISTED[row.retry]
    if row.retry is Listing.NEVER and row.forceable:
        repeated = "if the upstream asks"
    breaks = "yes" if row.breaks else "no"
    return f"`{cause}`", row.seen_as, row.meaning, repeated, _LISTED[row.fallback], breaks, told


def _rule_row(rule: Rule) -> tuple[str, ...]:
    source = inspect.getsourcefile(rule.decide)
    assert source is not None
    place = Path(source).resolve().relative_to(ROOT).as_posix()
    line = inspect.getsourcelines(rule.decide)[1]
    asked = ", ".join(each.value for each in Situation if each in rule.asked_after)
    reads = ", ".join(f"`{field}`" for field in rule.reads)
    return f"[{rule.name}](../{place}#L{line})", asked, rule.says, _then(rule), reads


def _then(rule: Rule) -> str:
    if isinstance(rule.then, StopReason):
        return "deliver" if rule.then is StopReason.SUCCESS else f"stop: {rule.then}"
    return f"wait: {rule.then}" if isinstance(rule.then, WaitReason) else str(rule.then)


def _end_row(reason: StopReason) -> tuple[str, ...]:
    names = ", ".join(rule.name for rule in RULES if rule.then is reason) or "none: the engine itself"
    error = error_of(GiveUp(reason, None))
    if reason in _NO_ATTEMPT:
        return str(reason), names, "`false`" if error.should_retry is False else "none", _named(error)
    timeout = error_of(GiveUp(reason, Cause.TIMEOUT))
    if reason in _ANSWERED:
        own = "there is one"
    elif reason in _BY_THE_ENGINE:
        own = _named(_BY_THE_ENGINE[reason])
    elif reason is StopReason.MAY_BE_RUNNING:
        own = _named(timeout)
    else:
        own = f"{_named(error)}, after a Timeout {_named(timeout)}"
    return str(reason), names, _should_retry(reason), own


def _named(error: GatewayError) -> str:
    return f"`{error.error_type}` ({error.status})"


def _should_retry(reason: StopReason) -> str:
    """For a cause that `retry.causes` may name, with and without its being named."""
    policy = compile_policy(default_policy())
    unnamed = replace(policy, retry=policy.retry.model_copy(update={"causes": ()}))
    step = Deliver(Outcome(Cause.OVERLOADED, 529, has_response=True), reason)
    if stops_the_sdk(step, policy):
        return "`false`"
    if stops_the_sdk(step, unnamed):
        return "the upstream's; `false` where `retry.causes` does not name the cause"
    return "the upstream's"


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


if __name__ == "__main__":
    main()
