"""Repeats that cannot succeed: something on the way cuts a call at a certain age, again and again."""

from typing import NamedTuple

_YOUNGEST_S = 10.0
"""Sooner than this a cut is an accident, which a repeat may well outlast."""

_SPREAD = 0.25
"""Share of the smaller age by which two cuts of one time-out may differ."""


class Cuts(NamedTuple):
    """Connections that ended without a byte of an answer.

    ages: route's index and age of each, in seconds from the request's last byte. futile_routes: those found
    to cut this call again and again; futile_s: at which age the last of them does, None while there is none.
    """

    ages: tuple[tuple[int, float], ...] = ()
    futile_routes: frozenset[int] = frozenset()
    futile_s: float | None = None

    def with_one(self, route: int, age_s: float) -> "Cuts":
        """One more cut."""
        earlier = tuple(age for cut, age in self.ages if cut == route)
        ages = (*self.ages, (route, age_s))
        if not are_one_timeout(earlier, age_s):
            return self._replace(ages=ages)
        return Cuts(ages, self.futile_routes | {route}, min(age_s, *earlier))


NO_CUTS = Cuts()


def are_one_timeout(ages_s: tuple[float, ...], age_s: float) -> bool:
    """Whether a cut came at about the age of an earlier one of the same call and route."""
    return any(
        min(age_s, other) > _YOUNGEST_S and abs(age_s - other) <= _SPREAD * min(age_s, other)
        for other in ages_s
    )
