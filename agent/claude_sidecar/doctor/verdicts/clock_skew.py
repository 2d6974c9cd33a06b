"""This machine's clock against the other side's `Date`."""

from email.utils import parsedate_to_datetime

from claude_sidecar.doctor.check import Check, CheckId, Result
from claude_sidecar.doctor.observed import Exchange

_MOST_S = 60.0


def clock_check(target: str, answers: tuple[Exchange, ...], now_s: float) -> Check:
    """answers: of which one may have a `Date` (RFC 9110 section 6.6.1); now_s: seconds since 1970, here."""
    told = next((date for answer in answers if (date := _date_s(answer)) is not None), None)
    if told is None:
        return Check(CheckId.CLOCK, target, Result.SKIPPED, "no answer had a usable Date header.")
    skew_s = now_s - told
    if abs(skew_s) <= _MOST_S:
        return Check(CheckId.CLOCK, target, Result.OK, "agrees with the other side's within a minute.")
    way = "ahead of" if skew_s > 0 else "behind"
    return Check(
        CheckId.CLOCK,
        target,
        Result.FAULT,
        f"this machine's clock is {abs(skew_s):.0f} s {way} the other side's: TLS certificates, tokens and "
        "waits for a limit's reset go wrong.",
        "set the clock by NTP (chrony, systemd-timesyncd); in a cluster, on the node",
    )


def _date_s(answer: Exchange) -> float | None:
    value = answer.header(b"date")
    # An answer out of a cache is dated when it was made (RFC 9111 section 5.1).
    if value is None or answer.header(b"age") is not None:
        return None
    try:
        return parsedate_to_datetime(value.decode("ascii", "replace")).timestamp()
    except ValueError:
        return None
