"""A base URL as SDKs take it."""

import re
from typing import NamedTuple

from claude_sidecar.doctor.check import Check, CheckId, Result
from claude_sidecar.schema.endpoint import Endpoint, is_private, parse_endpoint

_TAILS = re.compile(r"(?:/v1)+(?:/messages|/complete|/chat/completions|/models)?/*\Z")
_ROUND = " \t\r\n\"'`"
_SITES = frozenset(
    {
        "anthropic.com",
        "www.anthropic.com",
        "console.anthropic.com",
        "platform.claude.com",
        "claude.ai",
        "claude.com",
        "docs.anthropic.com",
    }
)
"""Sites for people, where no API is."""


class BaseUrl(NamedTuple):
    """check: of the text; endpoint: what it means once corrected, None where nothing can be made of it."""

    check: Check
    endpoint: Endpoint | None


def base_url(text: str, called: str) -> BaseUrl:
    """Judge a base URL; called: where it is set."""
    wrong: list[str] = []
    plain = text.strip(_ROUND)
    if plain != text:
        wrong.append("it has quotes or spaces round it")
    cut = _TAILS.sub("", plain)
    if cut != plain:
        wrong.append("it must not end in /v1 or a path below: SDKs add that themselves")
    try:
        endpoint = parse_endpoint(cut.rstrip("/"))
    except ValueError as error:
        wrong.append(f"it {error}")
        return BaseUrl(_fault(called, wrong), None)
    if endpoint.host in _SITES:
        wrong.append(f"{endpoint.host} is a site for people: the API is at https://api.anthropic.com")
    if endpoint.scheme == "http" and not is_private(endpoint.host):
        wrong.append("http:// would carry the key in clear text: use https://")
        return BaseUrl(_fault(called, wrong), None)
    if wrong:
        return BaseUrl(_fault(called, wrong), endpoint)
    shown = f"{endpoint.scheme}://{endpoint.host}:{endpoint.port}{endpoint.base_path}"
    return BaseUrl(Check(CheckId.BASE_URL, called, Result.OK, f"{shown} is of the right form."), endpoint)


def _fault(called: str, wrong: list[str]) -> Check:
    fix = (
        f"correct {called}: SCHEME://HOST[:PORT], such as https://api.anthropic.com or http://127.0.0.1:8787;"
        " what is checked below is the corrected one"
    )
    return Check(CheckId.BASE_URL, called, Result.FAULT, "; ".join(wrong) + ".", fix)
