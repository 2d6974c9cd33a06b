"""Checks as people and programs read them."""

import json
from collections.abc import Sequence

from claude_sidecar.doctor.check import Check, Result, verdict_of

_MARKS = {Result.OK: "ok", Result.FAULT: "FAULT", Result.UNKNOWN: "unknown", Result.SKIPPED: "skipped"}
_WIDEST_MARK = max(map(len, _MARKS.values()))
_WIDEST_ID = 15


def line_of(check: Check) -> str:
    """One check in one line."""
    fix = f" To do: {check.fix.rstrip('.')}." if check.fix else ""
    head = f"{_MARKS[check.result]:<{_WIDEST_MARK}} {check.id.value:<{_WIDEST_ID}}"
    return f"{head} {check.target}: {check.finding}{fix}"


def last_line(checks: Sequence[Check]) -> str:
    """What they come to."""
    faults = [check for check in checks if check.result is Result.FAULT]
    unknown = [check for check in checks if check.result is Result.UNKNOWN]
    if faults:
        return f"fault: {_named(faults)}"
    if unknown:
        return f"unknown: could not tell {_named(unknown)}"
    return f"{verdict_of(checks).value}: nothing wrong was found"


def json_of(checks: Sequence[Check]) -> str:
    """One JSON object."""
    return json.dumps({"verdict": verdict_of(checks).value, "checks": [check.as_json() for check in checks]})


def _named(checks: Sequence[Check]) -> str:
    return ", ".join(f"{check.id.value} ({check.target})" for check in checks)
