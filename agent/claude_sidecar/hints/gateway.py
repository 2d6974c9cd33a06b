"""Errors that a gateway made: this sidecar, or another one on the route."""

from claude_sidecar.hints.facts import HintFacts
from claude_sidecar.hints.finding import Finding

_OWN = {
    "gateway_unreachable": (
        "No route gave an answer: error.message names the hop that failed (name server, egress proxy, TLS, "
        "the upstream) and what to check there. The request is not at fault."
    ),
    "gateway_timeout": (
        "No answer came in time: stream long answers, raise the policy's timeouts or the SDK's own, or add "
        "a route to go to."
    ),
    "gateway_no_route": (
        "The policy leads this model nowhere: add it to a route's models, ask for one that is served, or fix "
        "the policy (lastError at /status of the admin port)."
    ),
    "gateway_credential_missing": (
        "The route has no key to send: give it its Secret, file or variable; error.message names which."
    ),
    "gateway_bad_request": (
        "The sidecar refused this before sending anything: it is no HTTP request that can be "
        "forwarded; see error.message."
    ),
    "gateway_busy": (
        "The sidecar itself is full, not the provider: send again in a second, and raise the limit that "
        "error.message names."
    ),
    "gateway_draining": "The sidecar is shutting down: send again, to the one that comes after it.",
    "gateway_bug": "A bug of the sidecar's, not of the request: report it with the request id.",
}
_WEB_PAGE = (
    "The sidecar took this for a web page's request and does not spend a route's own key on it: call "
    "127.0.0.1, or list the page's origin in CLAUDE_SIDECAR_ALLOWED_ORIGINS."
)
_UNKNOWN = "The sidecar itself made this error: see error.message."


def own_error_hint(facts: HintFacts) -> Finding:
    """Help for an error of the sidecar's own, beside its message."""
    if facts.status == 403:
        return Finding("web-page", _WEB_PAGE)
    return Finding("", _OWN.get(facts.error_type or "", _UNKNOWN))


def own_error_section(facts: HintFacts) -> str:
    """The section of docs/errors.md about an error of the sidecar's own."""
    known = facts.error_type in _OWN or facts.error_type == "gateway_request_too_large"
    return str(facts.error_type) if known else "the-sidecars-own-errors"


def other_gateway_hint(facts: HintFacts) -> Finding:
    """For an error whose type says that a gateway made it, but not this one."""
    return Finding(
        "",
        f"Another gateway on this route made this {facts.status} (its error.type begins with gateway_), "
        "neither the Claude API nor this sidecar: its own login, billing or routing; look at its log or "
        "documentation.",
    )
