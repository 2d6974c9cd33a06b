"""What an answer means for a caller who knows that the request was right: a sentence, and what to do."""

from typing import NamedTuple

from claude_sidecar.doctor.observed import Exchange
from claude_sidecar.hints.facts import HintFacts
from claude_sidecar.hints.hint import hint_for
from claude_sidecar.hints.middlebox import form_of


class Words(NamedTuple):
    """finding: a sentence; fix: what to do."""

    finding: str
    fix: str


_BASE_URL_FIX = "correct the base URL: it names the API, or the gateway or sidecar before it"
_OWN_ERRORS = {
    "gateway_unreachable": ("reached none of its routes", "ask the sidecar: doctor --sidecar URL"),
    "gateway_timeout": ("got no answer from its routes in time", "ask the sidecar: doctor --sidecar URL"),
    "gateway_no_route": (
        "has no route for this model or path",
        "add the model to a route of the policy, or ask for one that it names",
    ),
    "gateway_credential_missing": (
        "lacks the credential of its route",
        "put it into the Secret, file or variable of the policy; /status names it",
    ),
    "gateway_busy": ("has no room for another call", "raise limits.maxConcurrent, or send less"),
    "gateway_draining": ("is being stopped", "wait for its successor"),
}


def made_by(answer: Exchange) -> str:
    """What an answer that is not the API's looks like, in brackets; nothing where it is bare."""
    return form_of(HintFacts(answer.status or 0, response_headers=answer.lines, page=answer.body))


def no_answer(answer: Exchange) -> Words:
    """Where none came."""
    if answer.timed_out:
        return Words(
            f"the connection stands but no answer came: {answer.trouble}.",
            "see whether the endpoint is the API, and what stands before it; run the doctor again",
        )
    return Words(
        f"no answer came: {answer.trouble}.",
        "something on the way ends connections: look at proxies, firewalls and the endpoint's own log",
    )


def refused_key(answer: Exchange, whose: str) -> Words:
    """A 401."""
    if not answer.error_type:
        return Words(
            f"the 401 is not the Claude API's{made_by(answer)}: a gateway or proxy before it wants a "
            "credential of its own.",
            "give it what it wants, or have it pass x-api-key, authorization and anthropic-* on",
        )
    return Words(
        f"{whose} is refused: revoked, rotated, cut off when copied, or of a deleted workspace or another "
        "gateway.",
        "compare it with the Console, make a new one, and restart what still holds the old one",
    )


def server_trouble(answer: Exchange) -> Words:
    """500 and more."""
    status = answer.status or 0
    if answer.error_type in _OWN_ERRORS:
        meaning, fix = _OWN_ERRORS[answer.error_type]
        return Words(f"a sidecar answered itself ({answer.error_type}): it {meaning}.", fix)
    if not answer.error_type:
        return Words(
            f"a {status} without the API's error body{made_by(answer)}: a gateway, load balancer or edge on "
            "the way answered.",
            "look at what stands between here and the API, then at the provider's status page",
        )
    if status == 529:
        return Words(
            "the provider is overloaded (529): not your key, not your quota; a higher tier does not help.",
            "wait, or give the policy another route",
        )
    return Words(
        f"the provider failed ({status} {answer.error_type}): the request did not cause it.",
        "back off or use another route; if it lasts for minutes, see the provider's status page",
    )


def not_the_api(answer: Exchange) -> Words:
    """2xx and 3xx that are no message."""
    status = answer.status or 0
    if 300 <= status < 400:
        return Words(
            f"redirected ({status}): a login page, or http:// where https:// is wanted.",
            _BASE_URL_FIX,
        )
    kind = "a web page" if answer.is_page else "something else than a message of the API"
    return Words(
        f"answered {status} with {kind}: a login page, captive portal or another server.", _BASE_URL_FIX
    )


def other_refusal(answer: Exchange, facts: HintFacts) -> Words:
    """Any other 4xx, in the words that the sidecar would use for it."""
    status = answer.status or 0
    if status == 404 and not answer.error_type:
        return Words(
            f"404 without the API's error body{made_by(answer)}: another server answers there, or a path is "
            "doubled.",
            _BASE_URL_FIX,
        )
    if answer.error_type in _OWN_ERRORS:
        return server_trouble(answer)
    if status == 402 or answer.error_type == "billing_error":
        return Words(
            "the account can't pay (402): credit used up, or a payment failed.",
            hint_for(facts) or "settle billing in the Console",
        )
    if status == 407:
        return Words(
            "a proxy on the way wants a credential (407).",
            "put it into HTTPS_PROXY: http://USER:PASSWORD@HOST",
        )
    hint = hint_for(facts)
    return Words(f"refused with {status}.", hint or "see the error's message in the app's own log")
