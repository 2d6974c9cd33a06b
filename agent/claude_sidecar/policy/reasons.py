"""Why a call is stopped, and what a wait is for."""

from enum import StrEnum


class StopReason(StrEnum):
    """Why no more is sent."""

    SUCCESS = "success"
    PASSES_ONCE = "such a call is sent once"
    MAY_BE_RUNNING = "it may still be running"
    UPSTREAM_FORBIDS = "the upstream forbids a repeat"
    CAUSE_NOT_LISTED = "retry.causes does not name the cause"
    ATTEMPTS_SPENT = "attempts spent"
    TURN_TOO_LATE = "its turn in the retry budget comes too late"
    RETRY_AFTER_TOO_LONG = "retry-after too long"
    DEADLINE = "deadline"
    NO_ROUTE = "no route serves the model"
    CREDENTIAL_MISSING = "credential missing"
    ROUTES_SPENT = "no route left"
    FUTILE = "calls are cut there at about the same age"
    OUT_OF_FILES = "no file descriptor is left"


class WaitReason(StrEnum):
    """What a wait is for."""

    RETRY_AFTER = "retry-after"
    BACKOFF = "backoff"
    BUDGET = "budget"
