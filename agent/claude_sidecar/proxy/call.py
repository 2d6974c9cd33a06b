"""Checks and reads the head of a request."""

import re

from claude_sidecar.config.own_address import is_own_address
from claude_sidecar.policy.request_facts import read_sdk_headers
from claude_sidecar.proxy import web
from claude_sidecar.proxy.gateway_errors import GatewayError, Refused
from claude_sidecar.wire.authority import Authority, parse_authority
from claude_sidecar.wire.call import Call
from claude_sidecar.wire.credential import find_credentials
from claude_sidecar.wire.headers import HeaderIndex, HeaderLines, every, names_index_and_size
from claude_sidecar.wire.request_peek import read_target

_HEADER_BLOCK_BYTES = 64 << 10
_VERSIONS = ((1, 1), (1, 0))
_NOT_IN_TARGET = re.compile(r"[^!-~]")
_ABSOLUTE_FORM = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/?]*)(?P<rest>.*)", re.IGNORECASE)
_NO_PROXY_HERE = "set ANTHROPIC_BASE_URL to this address, not HTTP_PROXY or HTTPS_PROXY"


def read_call(request: web.BaseRequest) -> Call:
    """Read a request's head. Raises Refused for what can't be forwarded as HTTP.

    aiohttp's parser has already refused both framings at once, folded lines and the like.
    """
    lines = request.raw_headers
    names, index, size = names_index_and_size(lines)
    if size + len(request.raw_path) > _HEADER_BLOCK_BYTES:
        raise _bad(f"the header block is over {_HEADER_BLOCK_BYTES} bytes; send fewer or shorter headers")
    _refuse_unforwardable(request, lines, names, index)
    target, host = _addressed(request, index)
    if host is not None and host != index.get(b"host"):
        index = {**index, b"host": host}
    chunked = b"transfer-encoding" in index
    length = index.get(b"content-length")
    return Call(
        method=request.method,
        target=target,
        authority=parse_authority(host) if host is not None else None,
        lines=lines,
        names=names,
        index=index,
        facts=read_target(request.method, target),
        credentials=find_credentials(lines),
        sdk=read_sdk_headers(index),
        declared_bytes=None if chunked else int(length or 0),
        has_body=chunked or length is not None,
        # RFC 9110 section 10.1.1: HTTP/1.0 knows no interim response, and without a body nobody waits for
        # one.
        expects_continue=(
            index.get(b"expect", b"").lower() == b"100-continue"
            and request.version >= (1, 1)
            and (chunked or length not in (None, b"0"))
        ),
    )


def _refuse_unforwardable(
    request: web.BaseRequest, lines: HeaderLines, names: list[bytes], index: HeaderIndex
) -> None:
    if request.version not in _VERSIONS:
        raise _bad("only HTTP/1.0 and HTTP/1.1 are served here")
    if request.method == "CONNECT":
        raise _bad(f"CONNECT is not served here; {_NO_PROXY_HERE}")
    if b"upgrade" in index and _demands_websocket(lines):
        raise _bad("WebSocket is not served here; the API speaks plain HTTP with server-sent events")
    coding = index.get(b"transfer-encoding")
    if coding is not None:
        if names.count(b"transfer-encoding") > 1 or coding.strip().lower() != b"chunked":
            raise _bad("the only transfer-encoding served here is a single `chunked`")
        if b"content-length" in index or request.version < (1, 1):
            raise _bad("a body is framed by transfer-encoding (HTTP/1.1) or by content-length, not by both")
    if names.count(b"content-length") > 1 or names.count(b"host") > 1:
        raise _bad("content-length and host may come once")


def _demands_websocket(lines: HeaderLines) -> bool:
    """Whether an `Upgrade` asks for WebSocket, which no response by HTTP can serve.

    Any other protocol (h2c, TLS) is merely offered, and an offer may be ignored (RFC 9110 section 7.8); so is
    an `Upgrade` that `Connection` does not name, which only somebody before us can have left there.
    """
    if b"upgrade" not in _tokens(lines, b"connection"):
        return False
    return any(token.partition(b"/")[0] == b"websocket" for token in _tokens(lines, b"upgrade"))


def _tokens(lines: HeaderLines, name: bytes) -> list[bytes]:
    return [token.strip() for token in b",".join(every(lines, name)).lower().split(b",")]


def _addressed(request: web.BaseRequest, index: HeaderIndex) -> tuple[str, bytes | None]:
    """The target in origin-form, and the host that it is meant for. Raises Refused."""
    target, host = request.raw_path, index.get(b"host")
    if host is not None and parse_authority(host) is None:
        raise _bad("Host names no host; send the host and port of ANTHROPIC_BASE_URL, as clients do")
    if not target.startswith("/"):
        target, host = _from_absolute_form(request, target)
    if _NOT_IN_TARGET.search(target):
        raise _bad("the request target has bytes that a path can't have; percent-encode them")
    return target, host


def _from_absolute_form(request: web.BaseRequest, target: str) -> tuple[str, bytes]:
    """RFC 9112 section 3.2.2: a server must take the absolute form, and believe it before `Host`."""
    found = _ABSOLUTE_FORM.fullmatch(target)
    if found is None:
        raise _bad(f"the request target must be a path; {_NO_PROXY_HERE}")
    host = found["authority"].encode("utf-8", "surrogateescape")
    authority = parse_authority(host)
    if authority is None or not _is_this_port(request, authority, found["scheme"].lower()):
        raise _bad(
            f"the request target is at another address, and this is no forward proxy; {_NO_PROXY_HERE}"
        )
    rest = found["rest"]
    return (rest if rest.startswith("/") else f"/{rest}"), host


def _is_this_port(request: web.BaseRequest, authority: Authority, scheme: str) -> bool:
    """Whether an authority is this very port: another one of this machine is another server."""
    bound = request.transport.get_extra_info("sockname") if request.transport is not None else None
    here = authority.is_loopback or is_own_address(authority.host)
    return scheme == "http" and here and bound is not None and (authority.port or 80) == bound[1]


def _bad(message: str) -> Refused:
    return Refused(GatewayError.BAD_REQUEST, message, closes=True)
