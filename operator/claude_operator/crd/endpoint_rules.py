"""What an endpoint must be, as CEL: the rules of `claude_sidecar.schema.endpoint` for an API server.

Each expression holds for whatever another one refuses, so that one fault gives one message. None refuses what
the sidecar takes; what regular expressions can't say (the length of a whole host, the groups of an IPv6
address) is left to the judging of policies that passed.
"""

from claude_operator.crd.rule import Rule

_START = "^https?://([^/?#]*@)?"
_END = "([/?#]|$)"
_LABEL = "[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_ADDRESS = rf"({_BYTE}\.){{3}}{_BYTE}"
_NUMBER_LAST = r"([^/?#:@]*\.)?[0-9]+"
_PORT = "0*([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_HOST = r"(\[[^\]/?#@]*\]|[^/?#:@]*)"
_SEGMENT = r"([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+"
_SHAPE = "https://HOST[:PORT][/BASE/PATH]"


def _matches(pattern: str) -> str:
    return f'self.matches(r"{pattern}")'


_IS_DNS_NAME = _matches(rf"{_START}({_LABEL}\.)*{_LABEL}(:[^/?#]*)?{_END}")
_ENDS_IN_NUMBER = _matches(rf"{_START}{_NUMBER_LAST}(:[^/?#]*)?{_END}")
_IS_ADDRESS = _matches(rf"{_START}({_ADDRESS}|\[[0-9A-Fa-f:.]+\])(:[^/?#]*)?{_END}")
_IS_NO_HOST = _matches(rf"{_START}([:/?#]|$)")

_IS_LOOPBACK = (
    f"^http://([^/?#]*@)?((?i:localhost)|127(\\.{_BYTE}){{3}}"
    rf"|\[[0:]*:(0{{0,3}}1|0\.0\.0\.1)\])(:[^/?#]*)?{_END}"
)

CLEAR_TEXT = Rule(
    place="routes[]",
    holds="!has(self.endpoint) || !self.endpoint.startsWith('http://') || "
    "(has(self.insecure) && self.insecure == 'Allow') || "
    f'self.endpoint.matches(r"{_IS_LOOPBACK}")',
    message="http:// sends the key in clear text and is allowed for loopback only; "
    "use https://, or set `insecure: Allow` on the route",
    field=".endpoint",
)

ENDPOINT_RULES = (
    Rule(
        place="routes[].endpoint",
        holds=_matches("^[!-~]*$"),
        message="must be plain ASCII without spaces; write an international host in its xn-- form",
    ),
    Rule(
        place="routes[].endpoint",
        holds="!" + _matches("^https?://[^/?#]*@"),
        message="must not hold a user or password; a key belongs in `credential`",
        reason="FieldValueForbidden",
    ),
    Rule(
        place="routes[].endpoint",
        holds="!" + _matches("[?#]"),
        message=f"must not hold a query or a fragment; allowed: {_SHAPE}",
        reason="FieldValueForbidden",
    ),
    Rule(
        place="routes[].endpoint",
        holds=_matches(f"{_START}{_HOST}(:{_PORT})?{_END}") + " || !" + _matches("^https?://"),
        message="has no usable port after the colon; allowed: 1 to 65535",
    ),
    Rule(
        place="routes[].endpoint",
        holds=f"!{_IS_NO_HOST}",
        message=f"names no host; allowed: {_SHAPE}",
    ),
    Rule(
        place="routes[].endpoint",
        holds=f"{_IS_ADDRESS} || ({_IS_DNS_NAME} && !{_ENDS_IN_NUMBER}) || {_IS_NO_HOST} || "
        f"!{_matches('^https?://[!-~]*$')}",
        message="host is neither a DNS name nor an IP address",
    ),
    Rule(
        place="routes[].endpoint",
        holds="!" + _matches("^https?://[^/?#]*/([^?#]*/)?v1(/messages|/complete)?/*([?#]|$)"),
        message="must not end in /v1: SDKs add it themselves; leave it off",
    ),
    Rule(
        place="routes[].endpoint",
        holds=_matches(f"^https?://[^/?#]*(/{_SEGMENT})*/*([?#]|$)")
        + " && !"
        + _matches(r"^https?://[^/?#]*/([^?#]*/)?\.\.?(/|[?#]|$)")
        + " || !"
        + _matches("^https?://[!-~]*$"),
        message="has a base path with an empty, dotted or badly escaped segment",
    ),
)
