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
SENDS = {status: 4 if status in (429, 500, 503, 504, 529) else 1 for status in CAUSES} | {409: 3}
"""How often the upstream sees the call: repeats are the sidecar's alone, save for 409, which is the SDK's."""

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


@pytest.mark.parametrize("do", ["message", "stream"])
def test_sdk_raises_the_class_of_each_status_with_type_and_request_id(
    sdk: str, do: str, play: Any, upstream: Any, sidecar: Any
) -> None:
    scenes = [
        {
            "name": f"{do} {sdk} {status}",
            "do": do,
            "headers": {"x-simulate": str(status), "x-scene": f"{do} {sdk} {status}"},
        }
        for status in CAUSES
    ]
    direct = play(sdk, upstream.url, scenes, max_retries=0)
    before = {scene["name"]: len(upstream.calls_of(str(scene["name"]))) for scene in scenes}
    through = play(sdk, sidecar.url, scenes)
    for status, bare, line in zip(CAUSES, direct, through, strict=True):
        error, calls = line["error"], upstream.calls_of(line["name"])[before[line["name"]] :]
        assert error["class"] == CLASSES[sdk][status], line
        assert error["status"] == status
        assert (error["class"], error["type"]) == (bare["error"]["class"], bare["error"]["type"])
        assert error["request_id"] == calls[-1]["request_id"]
        assert line["cause"] == CAUSES[status]
        assert line["route"] == "simulated"
        assert len(calls) == SENDS[status], f"{status}: the upstream saw {len(calls)} sends"
