"""The header lines of an answer, as the real API and the edge before it send them."""

from claude_sidecar.simulator.call import Call
from claude_sidecar.simulator.clockwork import Clock, pick
from claude_sidecar.simulator.rule import Rule

HeaderList = list[tuple[str, str]]


def lines(
    call: Call, clock: Clock, seed: int, content_type: str | None, framing: HeaderList, more: HeaderList
) -> HeaderList:
    """All lines of a head; *framing* says how long the body is, *more* is the endpoint's own.

    A rule's header takes the place of every line with its name; with `only_headers` it is alone.
    """
    rule = call.rule
    given = lines_of(rule)
    if rule is not None and rule.only_headers:
        named = {name.lower() for name, _ in given}
        return [line for line in framing if line[0].lower() not in named] + given
    head: HeaderList = [("Date", clock.http_date())]
    if content_type is not None:
        head.append(("Content-Type", content_type))
    head += framing
    head.append(("Connection", "keep-alive" if call.wire.keep else "close"))
    if content_type == "text/event-stream; charset=utf-8":
        head.append(("Cache-Control", "no-cache"))
    head += more
    head.append(("request-id", call.request_id))
    head.append(("strict-transport-security", "max-age=31536000; includeSubDomains; preload"))
    if call.caller is not None:
        head.append(("anthropic-organization-id", call.caller.organization_id))
    head += [
        ("Server", "cloudflare"),
        ("X-Robots-Tag", "none"),
        ("cf-cache-status", "DYNAMIC"),
        ("CF-RAY", f"{pick(seed, 0, 16**16 - 1, 'ray', call.n):016x}-FRA"),
    ]
    named = {name.lower() for name, _ in given}
    return [line for line in head if line[0].lower() not in named] + given


def request_id_of(rule: Rule | None, default: str) -> str:
    """The `request-id` that the answer will carry: the rule's, where it sets one."""
    given = rule.headers if rule is not None else ()
    return next((value for name, value in given if name.lower() == "request-id"), default)


def lines_of(rule: Rule | None) -> HeaderList:
    """The lines that a rule gives: its headers, and when to come again."""
    if rule is None:
        return []
    given = list(rule.headers)
    wait = rule.retry_after
    if wait is None and rule.status == 429 and not rule.only_headers:
        wait = None if "spend_limit" in (rule.error_code or "") else 1
    if wait is not None and wait != "none" and all(name.lower() != "retry-after" for name, _ in given):
        given.append(("retry-after", f"{wait:g}" if isinstance(wait, float) else str(wait)))
    return given
