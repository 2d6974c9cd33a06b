"""429: which limit was hit, and what widens that one (docs/claude-api-notes.md, "Rate limits")."""

import re

from claude_sidecar.hints.facts import HintFacts
from claude_sidecar.hints.finding import Finding
from claude_sidecar.hints.middlebox import form_of
from claude_sidecar.hints.wordings import UNKNOWN_WORDING, what_it_says
from claude_sidecar.policy.rate_limits import Limit
from claude_sidecar.wire.rate_limit_headers import limit_hit

_FIXES: dict[Limit, str] = {
    "requests": (
        "Requests per minute (RPM) are used up: put work into Message Batches, join small calls, send "
        "less at a time."
    ),
    "input-tokens": (
        "Input tokens per minute (ITPM) are used up: cache prompts (cache reads do not count on current "
        "models), trim context, send fewer large prompts at a time."
    ),
    "output-tokens": (
        "Output tokens per minute (OTPM) are used up: bound output with max_tokens, ask for shorter "
        "answers, spread long generations."
    ),
    "spend": (
        "The spend limit is reached, no rate: repeating does not help until it is raised in the Console "
        "or resets (a monthly cap: the 1st, 00:00 UTC)."
    ),
}

_LIMIT_HEADERS = (b"anthropic-ratelimit-", b"anthropic-priority-", b"anthropic-fast-")
_FAST_REMAINING = (b"anthropic-fast-input-tokens-remaining", b"anthropic-fast-output-tokens-remaining")
_PROTECTION = re.compile(r"\A\s*(?:rate limited|error)\W*\Z|temporarily limiting")
_ACCOUNT = re.compile(r"(?:account|organi[sz]ation|workspace)\W*s? .{0,20}rate limit")
_LONGEST_RATE_WAIT_S = 3600.0
_LONG_WAIT = (
    "A wait this long is no rate per minute but a usage window or spend cap: wait for its reset, "
    "raise it in the Console, or use another key."
)


def rate_limit_hint(facts: HintFacts) -> Finding:
    """The limit, its fix and how long to wait: by the code, else the headers, else what the message says."""
    which = _which(facts)
    return Finding(which.kind, f"{which.text}{_wait(facts)}")


def _which(facts: HintFacts) -> Finding:
    if facts.error_code == "ramp_limit_exceeded":
        return Finding(
            "ramp",
            "Traffic grew too fast (ramp limit), below the nominal limits: raise it step by step, and "
            "restart slowly after an idle time.",
        )
    if _subscription_rejects(facts):
        return Finding(
            "subscription",
            "A subscription's usage window is used up (OAuth): wait for its reset, or use an API key.",
        )
    headers = facts.response_headers
    if limit_hit(headers, facts.error_code) != "unknown":
        # Of several buckets at zero, the message may still say which.
        hit = limit_hit(headers, facts.error_code, facts.error_message)
        return Finding(hit, _FIXES[hit] + _bucket(facts))
    if (spoken := what_it_says(429, facts.message)) is not None:
        return spoken
    if (said := limit_hit((), None, facts.error_message)) != "unknown":
        return Finding(said, f"The message says which limit, no header does. {_FIXES[said]}")
    return _unnamed(facts)


def _unnamed(facts: HintFacts) -> Finding:
    """For a 429 of which neither code nor header nor message tells the limit."""
    if (facts.retry_after_s or 0.0) > _LONGEST_RATE_WAIT_S:
        return Finding("long-wait", _LONG_WAIT)
    if facts.foreign:
        return Finding(
            "not-the-api",
            f"This 429 has no error body of the Claude API{form_of(facts)}: a gateway or proxy on the way "
            "limits you, not your account at the provider; look at its limits.",
        )
    if any(name.lower().startswith(_LIMIT_HEADERS) for name, _ in facts.response_headers):
        return Finding(
            "no-header-at-zero",
            "No rate-limit header is at zero, so which limit was hit is not known: a burst within the "
            "minute, a workspace's own limit, or too many calls at once; send less at a time and more "
            "evenly.",
        )
    if _PROTECTION.search(facts.message):
        return Finding(
            "server-protection",
            "No rate-limit header came, and the message says nothing of a limit of yours: as far as is "
            "known the server protects itself for a while, your account's limits are not at fault; repeats "
            "cure it.",
        )
    if _ACCOUNT.search(facts.message):
        return Finding(
            "accounts",
            "The message says that your account's rate limit is hit, but neither it nor a header says which: "
            "send less at a time and more evenly.",
        )
    return Finding(
        "unknown-wording",
        f"No rate-limit header came, and {UNKNOWN_WORDING}: whether your account's limits, the server's own "
        "protection or a gateway's limit was hit is not known; send less at a time.",
    )


def _bucket(facts: HintFacts) -> str:
    """Which bucket it was, where there are several of a kind."""
    if any(
        name.lower() in _FAST_REMAINING and value.strip() == b"0" for name, value in facts.response_headers
    ):
        return " It is fast mode's own limit: calls without speed: fast have another."
    if facts.path.startswith("/v1/messages/batches"):
        return " Batches have limits of their own."
    return ""


def _subscription_rejects(facts: HintFacts) -> bool:
    return any(
        value.strip() == b"rejected" and name.lower() == b"anthropic-ratelimit-unified-status"
        for name, value in facts.response_headers
    )


def _wait(facts: HintFacts) -> str:
    seconds = facts.retry_after_s
    if seconds is None or not 0 <= seconds < 1e9:
        return ""
    return f" retry-after: {seconds:.0f} s."
