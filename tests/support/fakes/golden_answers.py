"""A corpus of upstream answers as they stand on the wire, each by a name."""

import gzip

from support.fakes.wire_bytes import LAST_CHUNK, answer, chunk, error

_HTML_502 = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>cloudflare</body></html>\r\n"
_HTML_520 = b"<!DOCTYPE html><title>api.anthropic.com | 520: Web server returns an unknown error</title>\n"
_PROBLEM_522 = b'{"type":"about:blank","cloudflare_error":true,"retryable":true,"retry_after":120}'
_ENVOY_503 = b"upstream connect error or disconnect/reset before headers. reset reason: overflow"
_GZIPPED_ERROR = gzip.compress(b'{"type":"error","error":{"type":"overloaded_error","message":"x"}}', mtime=0)

_ENVELOPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    412: "memory_precondition_failed_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    431: "invalid_request_error",
    499: "api_error",
    500: "api_error",
    501: "not_implemented_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_ALLOWANCE = [
    ("anthropic-ratelimit-requests-limit", "50"),
    ("anthropic-ratelimit-requests-remaining", "0"),
    ("anthropic-ratelimit-requests-reset", "2026-11-22T00:00:00Z"),
    ("retry-after", "7"),
    ("x-should-retry", "true"),
]

GOLDEN: dict[str, bytes] = {
    **{f"{status} {kind}": error(status, kind) for status, kind in _ENVELOPES.items()},
    "200 with the API's own headers": answer(
        lines=[
            ("Date", "Sun, 22 Nov 2026 10:00:00 GMT"),
            ("Server", "cloudflare"),
            ("cf-ray", "8e0-FRA"),
            ("via", "1.1 google"),
            ("anthropic-organization-id", "org-1"),
            ("request-id", "req_011"),
        ]
    ),
    "200 with an empty body": answer(200, b""),
    "200 of unknown type": answer(200, bytes(range(256)), kind="application/x-unheard-of; v=7"),
    "200 without a type": answer(200, b"plain", kind=None),
    "200 in gzip": answer(200, gzip.compress(b'{"a":1}' * 50, mtime=0), [("content-encoding", "gzip")]),
    "200 that claims gzip and is none": answer(200, b"not gzip at all", [("Content-Encoding", "gzip")]),
    "200 in a coding nobody knows": answer(200, b"\x00\x01", [("content-encoding", "x-own")]),
    "200 of broken JSON": answer(200, b'{"id": "msg_1", "usage": {"input'),
    "200 in chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\ncontent-type: text/x\r\n\r\n"
    + chunk(b'{"id"')
    + chunk(b': "msg_1"}')
    + LAST_CHUNK,
    "200 in chunks with extension and trailer": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n"
    b"trailer: x-sum\r\n\r\n3;name=value\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n",
    "200 that ends with the connection": b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\nto the end",
    "200 of HTTP/1.0": b"HTTP/1.0 200 Fine\r\ncontent-length: 3\r\n\r\nold",
    "200 with connection headers": b"HTTP/1.1 200 OK\r\nConnection: close, X-Hop\r\nX-Hop: gone\r\n"
    b"Keep-Alive: timeout=5\r\nX-End: stays\r\ncontent-length: 2\r\n\r\nok",
    "201 created": answer(201, b"{}", [("location", "/v1/files/file_1")], reason="Created"),
    "204": b"HTTP/1.1 204 No Content\r\nrequest-id: req_204\r\n\r\n",
    "304": b'HTTP/1.1 304 Not Modified\r\netag: "x"\r\n\r\n',
    "301": answer(301, b"moved", [("Location", "https://elsewhere.example/v1/messages")], reason="Moved"),
    "307": answer(307, b"", [("location", "https://elsewhere.example/")], reason="Temporary Redirect"),
    "403 of a WAF": answer(403, b"<html>Sorry, you have been blocked</html>", kind="text/html"),
    "429 with allowance": error(429, "rate_limit_error", _ALLOWANCE),
    "429 spend limit": error(429, "rate_limit_error", code="enforced_spend_limit_reached"),
    "500 with an empty body": answer(500, b"", kind=None, reason="Internal Server Error"),
    "502 HTML": answer(502, _HTML_502, kind="text/html", reason="Bad Gateway"),
    "503 plain text": answer(503, _ENVOY_503, kind="text/plain", reason="Service Unavailable"),
    "520 HTML": answer(520, _HTML_520, kind="text/html; charset=UTF-8", reason=""),
    "522 problem JSON": answer(522, _PROBLEM_522, [("retry-after", "120")], kind="application/problem+json"),
    "529 in gzip": answer(529, _GZIPPED_ERROR, [("content-encoding", "gzip")], reason="Overloaded"),
    "599 of no table": answer(599, b"?", kind=None, reason="Who Knows"),
    "odd header case": b"HTTP/1.1 200 OK\r\nCoNtEnT-tYpE: text/plain\r\nREQUEST-ID: req_A\r\n"
    b"x-UPPER-lower: MiXed\r\nContent-LENGTH: 2\r\n\r\nok",
    "repeated headers": answer(
        lines=[("set-cookie", "a=1"), ("x-other", "between"), ("Set-Cookie", "b=2"), ("set-cookie", "a=1")]
    ),
    "header values that are no UTF-8": b"HTTP/1.1 200 OK\r\nx-latin: caf\xe9\r\nx-high: \xff\xfe\x80\r\n"
    b"x-empty:\r\nx-utf: \xe2\x82\xac\r\ncontent-length: 2\r\n\r\nok",
    "odd reason phrase": b"HTTP/1.1 529 \xdcberlastet, (bitte)  warten!\r\ncontent-length: 2\r\n\r\nno",
    "no reason phrase": b"HTTP/1.1 404 \r\ncontent-length: 2\r\n\r\nno",
    "cookies and CORS": answer(
        lines=[("access-control-allow-origin", "*"), ("vary", "Origin"), ("strict-transport-security", "x")]
    ),
}
