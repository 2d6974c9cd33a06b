"""One check's outcome, and what all of them come to."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class CheckId(StrEnum):
    """What is looked at, in the order in which it is."""

    POLICY = "policy"
    KEY = "key"
    PROXY_VARIABLES = "proxy-variables"
    ROUTE = "route"
    BASE_URL = "base-url"
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    CLOCK = "clock"
    MODELS = "models"
    KNOWN_GOOD_CALL = "known-good-call"
    WANTED_MODEL = "wanted-model"
    STRIPPED_HEADER = "stripped-header"


class Result(StrEnum):
    """How a check ended."""

    OK = "ok"
    FAULT = "fault"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"
    """It had nothing to look at, or an earlier check has said why it cannot be made."""


class Verdict(StrEnum):
    """What all checks come to."""

    HEALTHY = "healthy"
    FAULT = "fault"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """target: the route, host, file or variable; finding: what was found and what it means; fix: what to do,
    empty where nothing is to be done."""

    id: CheckId
    target: str
    result: Result
    finding: str
    fix: str = ""

    def as_json(self) -> dict[str, str]:
        """As `--json` prints it."""
        return {
            "id": self.id.value,
            "target": self.target,
            "result": self.result.value,
            "finding": self.finding,
            "fix": self.fix,
        }


def verdict_of(checks: Iterable[Check]) -> Verdict:
    """One fault decides; else one that could not be told."""
    results = {check.result for check in checks}
    if Result.FAULT in results:
        return Verdict.FAULT
    if Result.UNKNOWN in results or Result.OK not in results:
        return Verdict.UNKNOWN
    return Verdict.HEALTHY
