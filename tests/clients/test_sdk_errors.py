"""Error answers reach the official SDKs as the upstream gave them: class, status, type and request id."""

from typing import Any

import pytest

CAUSES = {
    400: "InvalidRequest",
    401: "Authentication",
    402: "Billing",
    403: "Permission",
    404: "NotFound",
    409: "Conflict",
    413: "TooLarge",
    429: "RateLimit",
    500: "ServerError",
    503: "ServerError",
    504: "ServerError",
    529: "Overloaded",
}
SENDS = {status: 4 if status in (429, 500, 503, 504, 529) else 1 for status in CAUSES} | {409: 2}
"""How often the upstream sees the call: repeats are the sidecar's alone, save for 409, which is the SDK's."""
FAULTS = {status: str(status) for status in CAUSES} | {429: "429;retry-after=0.02"}

PYTHON_NEW = {
    400: "BadRequestError",
    401: "AuthenticationError",
    402: "PaymentRequiredError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    409: "ConflictError",
    413: "ContentTooLargeError",
    429: "RateLimitError",
    500: "InternalServerError",
    503: "ServiceUnavailableError",
    504: "GatewayTimeoutError",
    529: "OverloadedError",
}
INTERNAL = dict.fromkeys((500, 503, 504, 529), "InternalServerError")
GO = dict.fromkeys(CAUSES, "Error")
CLASSES = {
    "python-new": PYTHON_NEW,
    "python-0x": PYTHON_NEW
    | INTERNAL
    | {402: "APIStatusError", 413: "RequestTooLargeError", 529: "OverloadedError"},
    "node-new": PYTHON_NEW,
    "node-0x": PYTHON_NEW | INTERNAL | {402: "APIError", 413: "APIError"},
    "go-v2": GO,
    "go-v1": GO,
}


@pytest.fixture(scope="module")
def both(sdk: str, play: Any, upstream: Any, sidecar: Any) -> Any:
    """Each SDK's lines by (what it does, status), without the sidecar and with it."""

    def run(way: str, url: str, max_retries: int) -> dict[tuple[str, int], Any]:
        asked = [(do, status) for do in ("message", "stream") for status in CAUSES]
        scenes = [
            {
                "name": f"{way} {do} {status} {sdk}",
                "do": do,
                "headers": {"x-simulate": FAULTS[status], "x-scene": f"{way} {do} {status} {sdk}"},
            }
            for do, status in asked
        ]
        return dict(zip(asked, play(sdk, url, scenes, max_retries), strict=True))

    return run("direct", upstream.url, 0), run("through", sidecar.url, 1)


@pytest.mark.parametrize("do", ["message", "stream"])
def test_sdk_raises_the_class_of_each_status_with_type_and_request_id(
    sdk: str, do: str, both: Any, upstream: Any
) -> None:
    direct, through = both
    for status in CAUSES:
        line, bare = through[do, status], direct[do, status]["error"]
        error, calls = line["error"], upstream.calls_of(line["name"])
        assert error["class"] == CLASSES[sdk][status], line
        assert error["status"] == status
        assert (error["class"], error["type"]) == (bare["class"], bare["type"])
        assert error["request_id"] == calls[-1]["request_id"]
        assert line["cause"] == CAUSES[status]
        assert line["route"] == "simulated"
        assert len(calls) == SENDS[status], f"{status}: the upstream saw {len(calls)} sends"
