"""One call of the app: the request as it stands on the wire, checked and read."""

import re
from dataclasses import dataclass

from aiohttp import web

from claude_sidecar.policy.snapshot import Snapshot
from claude_sidecar.proxy.own_error import OwnError, Refused
from claude_sidecar.wire.credential import Credential, find_credentials
from claude_sidecar.wire.headers import HeaderIndex, HeaderLines, every, index_of
from claude_sidecar.wire.request_target import TargetFacts, read_target

_HEADER_BLOCK_BYTES = 64 << 10
_SDK_REPEATS_MOST = 1000
_VERSIONS = ((1, 1), (1, 0))
_NOT_IN_TARGET = re.compile(r"[^!-~]")


@dataclass(frozen=True, slots=True)
class Call:
    """target: path and query in origin-form; lines: header lines as received; index: their first values;
    declared_bytes: the body's content-length, None when chunked; has_body: whether framing announces one."""

    method: str
    target: str
    lines: HeaderLines
    index: HeaderIndex
    facts: TargetFacts
    credentials: tuple[Credential, ...]
    declared_bytes: int | None
    has_body: bool
    expects_continue: bool


def read_call(request: web.BaseRequest) -> Call:
    """Read a request's head. Raises Refused for what can't be forwarded as HTTP.

    aiohttp's parser has already refused both framings at once, folded lines and the like.
    """
    lines = request.raw_headers
    target = request.raw_path
    index = index_of(lines)
    _refuse_unforwardable(request, target, lines, index)
    chunked = b"transfer-encoding" in index
    length = index.get(b"content-length")
    return Call(
        method=request.method,
        target=target,
        lines=lines,
        index=index,
        facts=read_target(request.method, target),
        credentials=find_credentials(lines),
        declared_bytes=None if chunked else int(length or 0),
        has_body=chunked or length is not None,
        expects_continue=index.get(b"expect", b"").lower() == b"100-continue",
    )


def sdk_repeats(index: HeaderIndex) -> int:
    """How often the SDK has sent this call before, by its own word (`x-stainless-retry-count`)."""
    said = index.get(b"x-stainless-retry-count")
    if said is None or not said.isdigit() or len(said) > 4:
        return 0
    return min(int(said), _SDK_REPEATS_MOST)


def feature_of(index: HeaderIndex, snapshot: Snapshot) -> str:
    """The value of the policy's feature header, empty without one."""
    value = index.get(snapshot.feature_header.lower().encode("ascii"))
    return value.decode("ascii", "replace")[:100] if value else ""


def _refuse_unforwardable(
    request: web.BaseRequest, target: str, lines: HeaderLines, index: HeaderIndex
) -> None:
    # Where the index has as many names as there are lines, none is repeated.
    names = [name.lower() for name, _ in lines] if len(index) < len(lines) else []
    size = len(target) + sum([len(name) + len(value) + 4 for name, value in lines])
    if size > _HEADER_BLOCK_BYTES:
        raise _bad(f"the header block is over {_HEADER_BLOCK_BYTES} bytes; send fewer or shorter headers")
    if request.version not in _VERSIONS:
        raise _bad("only HTTP/1.0 and HTTP/1.1 are served here")
    if request.method == "CONNECT":
        raise _bad("CONNECT is not served here; set ANTHROPIC_BASE_URL to this address, not HTTPS_PROXY")
    if not target.startswith("/"):
        raise _bad(
            "the request target must be a path; set ANTHROPIC_BASE_URL to this address, not HTTP_PROXY"
        )
    if _NOT_IN_TARGET.search(target):
        raise _bad("the request target has bytes that a path can't have; percent-encode them")
    if b"upgrade" in index and b"upgrade" in b",".join(every(lines, b"connection")).lower():
        raise _bad("protocol upgrades are not served here; use plain HTTP/1.1")
    coding = index.get(b"transfer-encoding")
    if coding is not None:
        if names.count(b"transfer-encoding") > 1 or coding.strip().lower() != b"chunked":
            raise _bad("the only transfer-encoding served here is a single `chunked`")
        if b"content-length" in index or request.version < (1, 1):
            raise _bad("a body is framed by transfer-encoding (HTTP/1.1) or by content-length, not by both")
    if names.count(b"content-length") > 1 or names.count(b"host") > 1:
        raise _bad("content-length and host may come once")


def _bad(message: str) -> Refused:
    return Refused(OwnError.BAD_REQUEST, message, closes=True)
