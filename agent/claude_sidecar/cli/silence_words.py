"""What `explain --stream` says of a stream that keeps silent."""

from collections.abc import Iterator

from claude_sidecar.policy.holding import Opening
from claude_sidecar.schema.snapshot import Snapshot
from claude_sidecar.schema.timeouts import Hold


def silence_words(snapshot: Snapshot, callers_timeout_s: float | None) -> Iterator[str]:
    """One line each: when it is opened, pinged, committed as it stands, left.

    callers_timeout_s: as the call's `x-stainless-*` headers tell it, None if they do not.
    """
    stream, timeouts = snapshot.stream, snapshot.timeouts
    opening = Opening(stream.quiet_after_s, stream.keep_alive_s, 0.0, callers_timeout_s)
    if stream.hold is Hold.HEADERS:
        yield "the app gets the response's head at once (stream.hold: Headers): nothing behind it is cured"
    else:
        yield _opened(opening)
        yield (
            f"content that was held for {stream.hold_max_s:g}s is committed as it stands (stream.holdMax); "
            f"so is a live stream at {_end(snapshot, opening)}"
        )
        if timeouts.first_delta_s:
            yield (
                f"an attempt without its first delta after {timeouts.first_delta_s:g}s is given up where "
                "another route may take the call at once (timeouts.firstDelta)"
            )
    yield _pinged(opening)
    if timeouts.stalled_s:
        yield f"{timeouts.stalled_s:g}s without an event but pings end a committed stream (timeouts.stalled)"


def _opened(opening: Opening) -> str:
    if not opening.quiet_after_s:
        return "it is never opened (stream.quietAfter: 0s): the app gets nothing before the commit"
    half = opening.opens_at(0.0, has_begun=False)
    quiet = f"{opening.quiet_after_s:g}s after the first response's head (stream.quietAfter)"
    when = f"once its message has begun, {quiet}"
    if half is not None:
        when += f" or {half:g}s after arrival, half of the caller's time-out, whichever is earlier"
    return (
        f"it is opened {when}: the app gets status 200 and a head, failures are still cured, "
        "and what fails for good comes as an `error` event"
    )


def _pinged(opening: Opening) -> str:
    after_s = opening.ping_after_s(committed=True)
    if after_s is None:
        return "there are no pings of ours after the commit (stream.keepAlive: 0s)"
    return f"from its head on it gets a ping whenever {after_s:g}s passed without a byte (stream.keepAlive)"


def _end(snapshot: Snapshot, opening: Opening) -> str:
    if opening.quiet_after_s or opening.callers_timeout_s is None:
        return f"timeouts.total, {snapshot.timeouts.total_s:g}s"
    return f"the call's deadline, {min(snapshot.timeouts.total_s, opening.callers_timeout_s):g}s at most"
