"""Answers that only these scenarios have."""

import json

from bench.promise.answers import Script, good_body, head
from bench.promise.behaviour import Kind


def refusal(route: int) -> Script:
    """A model that will not: a success, whose `stop_reason` says so."""
    message = json.loads(good_body(Kind.MESSAGE, route)) | {"content": [], "stop_reason": "refusal"}
    body = json.dumps(message).encode()
    return Script(((0.05, head(200, len(body)) + body),))
