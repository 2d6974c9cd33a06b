"""429: which limit was hit, and what widens that one (docs/claude-api-notes.md, "Rate limits")."""

from claude_sidecar.hints.facts import HintFacts
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
    "unknown": "The answer does not say which limit was hit: send less at a time and more evenly.",
}

_LONGEST_RATE_WAIT_S = 3600.0
_LONG_WAIT = (
    "A wait this long is no rate per minute but a usage window or spend cap: wait for its reset, "
    "raise it in the Console, or use another key."
)


def rate_limit_hint(facts: HintFacts) -> str:
    """The limit, its fix and how long to wait."""
    if facts.error_code == "ramp_limit_exceeded":
        text = (
            "Traffic grew too fast (ramp limit), below the nominal limits: raise it step by step, and "
            "restart slowly after an idle time."
        )
    elif "extra usage is required" in facts.message:
        text = (
            "Long context needs an entitlement (extra usage) that this key lacks; it is no rate, waiting "
            "does not help: enable it, shorten the prompt, or use another key."
        )
    elif _subscription_rejects(facts):
        text = "A subscription's usage window is used up (OAuth): wait for its reset, or use an API key."
    else:
        limit = limit_hit(facts.response_headers, facts.error_code, facts.error_message)
        long = limit == "unknown" and (facts.retry_after_s or 0.0) > _LONGEST_RATE_WAIT_S
        text = _LONG_WAIT if long else _FIXES[limit]
    return f"{text}{_wait(facts)}"


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
