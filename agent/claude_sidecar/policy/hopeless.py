"""429s that no waiting cures: money and entitlements that come in the form of a rate limit."""

import re

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
