"""Errors as the Claude API gives them (docs/claude-api-notes.md, "Errors"): status, type, text, envelope."""

import json

TYPE_BY_STATUS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
MESSAGE_BY_STATUS = {
    400: "Invalid request",
    401: "invalid x-api-key",
    402: "There is an issue with your organization's billing or payment information",
    403: "Your API key does not have permission to use the specified resource",
    404: "The requested resource could not be found",
    409: "The request conflicts with the current state of the resource",
    413: "Request exceeds the maximum allowed number of bytes",
    429: "This request would exceed your organization's rate limit",
    500: "Internal server error",
    504: "The request timed out while processing",
    529: "Overloaded",
}


class ApiError(Exception):
    """An answer other than 2xx.

    *status* is the HTTP status; *message* and *error_type* go into the envelope (by default those usual for
    the status); *code* becomes `details.error_code`; *headers* are added to the answer; *close* ends the
    connection after it, as when the body was not read.
    """

    def __init__(
        self,
        status: int,
        message: str | None = None,
        *,
        error_type: str | None = None,
        code: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        close: bool = False,
    ) -> None:
        self.status = status
        self.error_type = error_type or type_for(status)
        self.message = message if message is not None else MESSAGE_BY_STATUS.get(status, "Error")
        self.code = code
        self.headers = headers
        self.close = close
        super().__init__(f"{status} {self.error_type}: {self.message}")


def type_for(status: int) -> str:
    """The error type that usually comes with *status*."""
    return TYPE_BY_STATUS.get(status, "invalid_request_error" if status < 500 else "api_error")


def envelope(error_type: str, message: str, request_id: str, code: str | None = None) -> bytes:
    """The JSON body of an error, also the data of an SSE error event."""
    details = {"error_code": code} if code else None
    error = {"details": details, "type": error_type, "message": message}
    return compact({"type": "error", "error": error, "request_id": request_id})


def compact(value: object) -> bytes:
    """JSON without spaces, as the API writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
