"""In which API version a policy is handed to sidecars that may be older than the operator."""

from collections.abc import Iterable

from claude_operator import names

READ_SINCE = ((names.API_VERSION, (0, 0)),)
"""API versions, newest first, each with the first sidecar version (major, minor) that reads it."""


def api_version_for(running: Iterable[str]) -> str:
    """The newest API version that every running sidecar reads; running: their versions."""
    oldest = min(map(release, running), default=None)
    for api_version, since in READ_SINCE:
        if oldest is None or oldest >= since:
            return api_version
    return READ_SINCE[-1][0]


def release(version: str) -> tuple[int, int]:
    """Major and minor number of a version; (0, 0) for what is no version."""
    numbers = version.split(".")[:2]
    if len(numbers) == 2 and all(
        number.isascii() and number.isdigit() and len(number) < 9 for number in numbers
    ):
        return int(numbers[0]), int(numbers[1])
    return 0, 0
