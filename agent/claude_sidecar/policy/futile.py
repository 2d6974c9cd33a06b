"""Repeats that cannot succeed: something on the way cuts a call at a certain age, again and again."""

_YOUNGEST_S = 10.0
"""Sooner than this a cut is an accident, which a repeat may well outlast."""

_SPREAD = 0.25
"""Share of the smaller age by which two cuts of one time-out may differ."""


def are_one_timeout(ages_s: tuple[float, ...], age_s: float) -> bool:
    """Whether a cut came at about the age of an earlier one of the same call and route.

    Ages: seconds from the request's last byte to the end of a connection that gave no byte of an answer.
    """
    return any(
        min(age_s, other) > _YOUNGEST_S and abs(age_s - other) <= _SPREAD * min(age_s, other)
        for other in ages_s
    )
