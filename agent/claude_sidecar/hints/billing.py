"""402: the account behind the key cannot pay."""

from claude_sidecar.hints.facts import HintFacts
from claude_sidecar.hints.finding import Finding
from claude_sidecar.hints.middlebox import form_of

_BY_CODE = {
    "linked_organization_spend_limit_reached": Finding(
        "payers-spend-limit",
        "The spend limit of the organisation that pays is reached: its admin can raise it, or wait for its "
        "reset",
    ),
    "linked_organization_billing_unavailable": Finding(
        "payers-billing",
        "The organisation that pays for this one has no working billing: its admin has to settle that",
    ),
}


def billing_hint(facts: HintFacts) -> Finding:
    """Who has to pay, and that no repeat helps."""
    if facts.foreign:
        return Finding(
            "not-the-api",
            f"This 402 has no error body of the Claude API{form_of(facts)}: a gateway on the way wants to "
            "be paid; look at the account there.",
        )
    found = _BY_CODE.get(facts.error_code or "") or Finding(
        "account",
        f"The account behind {facts.whose_key} cannot pay: see billing in the Console (payment, credits, "
        "invoices)",
    )
    cure = "Repeating does not help; a route with another account's key may."
    return Finding(found.kind, f"{found.text}. {cure}")
