"""What usage costs, as US dollars in decimals: money is never a float in here."""

from decimal import Decimal


def usd_text(usd: Decimal | None) -> str | None:
    """Dollars to the last digit, without exponent and without zeros that say nothing; None stays None."""
    return None if usd is None else f"{usd.normalize():f}"
