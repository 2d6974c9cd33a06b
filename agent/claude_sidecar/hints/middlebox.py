"""Who may have made an answer that is not the Claude API's: by its `Server` header or its page.

Names and settings as of 2026-11-30, from each program's own documentation.
"""

from typing import NamedTuple

from claude_sidecar.hints.facts import HintFacts

_PAGE_BYTES = 2_000


class Middlebox(NamedTuple):
    """A program that stands on the way.

    marks: words by which it shows, in lower case; body_limit: the setting that bounds request bodies there,
    None where it is not a setting.
    """

    name: str
    marks: tuple[bytes, ...]
    body_limit: str | None = None


_KNOWN = (
    Middlebox("Kong", (b"kong",), "nginx_http_client_max_body_size"),
    Middlebox("nginx", (b"nginx",), "client_max_body_size"),
    Middlebox("OpenResty", (b"openresty",), "client_max_body_size"),
    Middlebox(
        "Envoy", (b"envoy", b"upstream connect error or disconnect"), "max_request_bytes of its buffer filter"
    ),
    Middlebox("Apache", (b"apache",), "LimitRequestBody"),
    Middlebox("Squid", (b"squid",), "request_body_max_size"),
    Middlebox("HAProxy", (b"haproxy",)),
    Middlebox("Caddy", (b"caddy",), "request_body max_size"),
    Middlebox("IIS", (b"microsoft-iis",), "maxAllowedContentLength"),
    Middlebox("Zscaler", (b"zscaler",)),
    Middlebox("an AWS load balancer", (b"awselb",)),
    Middlebox("CloudFront", (b"cloudfront",)),
    Middlebox("Cloudflare", (b"cloudflare",)),
    Middlebox("Google's front end", (b"google frontend",)),
)


def middlebox(facts: HintFacts) -> Middlebox | None:
    """The program that names itself in an answer; None where none that is known does."""
    told = b" ".join(value for name, value in facts.response_headers if name.lower() == b"server")
    text = (told + b" " + facts.page[:_PAGE_BYTES]).lower()
    return next((known for known in _KNOWN if any(mark in text for mark in known.marks)), None)


def form_of(facts: HintFacts) -> str:
    """What an answer that is not the API's looks like, in brackets; nothing where it is bare."""
    known = middlebox(facts)
    kind = next((value for name, value in facts.response_headers if name.lower() == b"content-type"), b"")
    page = "an HTML page" if b"html" in kind.lower() or b"<html" in facts.page.lower() else ""
    maker = f"by {known.name}" if known is not None else ""
    told = ", ".join(part for part in (page, maker) if part)
    return f" ({told})" if told else ""
