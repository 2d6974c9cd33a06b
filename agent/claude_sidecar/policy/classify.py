"""Status, `error.type` and code turned into a cause, once for each response: by the table of causes.

One thing is told by words: 429s that no waiting cures, money and entitlements in the form of a rate limit.
"""

import re

from claude_sidecar.causes import BY_ERROR_TYPE, BY_STATUS, BY_STATUS_CLASS, Cause

SPEND_LIMIT_CODES = frozenset(
    {
        "enforced_spend_limit_reached",
        "contract_spend_limit_reached",
        "linked_organization_spend_limit_reached",
        "linked_organization_billing_unavailable",
    }
)
"""`error.details.error_code` of spent money (docs/claude-api-notes.md, "Rate limits")."""

_WORDS = re.compile(
    r"\bspend(?:ing)?[ _-](?:limit|cap)"  # a workspace's cap
    r"|\bapi usage limits"  # a limit that the customer has set
    r"|extra usage is required"  # long context without the entitlement
    r"|\blimit of 0 (?:input|output|requests|tokens)"  # a model that the organisation has no share of
)
"""What the message says where there is no code. Rates never say any of it."""

_READ_CHARS = 1_000


def is_hopeless(error_code: str | None, error_message: str | None = None) -> bool:
    """Whether a 429 tells of something that time does not give back within any call."""
    if error_code in SPEND_LIMIT_CODES:
        return True
    return error_message is not None and _WORDS.search(error_message[:_READ_CHARS].lower()) is not None


def cause_of_status(
    status: int, error_code: str | None = None, error_message: str | None = None
) -> Cause | None:
    """Cause of a response by its status; None for 1xx, 2xx and 3xx.

    error_code: `error.details.error_code`, error_message: of the body; they tell a rate limit from what no
    waiting cures.
    """
    if status < 400:
        return None
    cause = BY_STATUS.get(status) or BY_STATUS_CLASS[4 if status < 500 else 5]
    if cause is Cause.RATE_LIMIT and is_hopeless(error_code, error_message):
        return Cause.SPEND_LIMIT
    return cause


def cause_of_error_event(
    error_type: str | None, error_code: str | None = None, error_message: str | None = None
) -> Cause:
    """Cause of an `error` event inside a stream, which has no status of its own.

    Types grow, so an unknown one counts as the server's error.
    """
    cause = BY_ERROR_TYPE.get(error_type or "", Cause.SERVER_ERROR)
    if cause is Cause.RATE_LIMIT and is_hopeless(error_code, error_message):
        return Cause.SPEND_LIMIT
    return cause
