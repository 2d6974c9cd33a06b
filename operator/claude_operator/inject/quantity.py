"""Kubernetes quantities, such as `250m` and `128Mi`, as numbers that can be compared."""

import re
from decimal import Decimal

_FORM = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(?:([eE][+-]?[0-9]{1,2})|([numkMGTPE]|[KMGTPE]i)?)", re.ASCII)
_DECIMAL = {
    "n": -9,
    "u": -6,
    "m": -3,
    "": 0,
    "k": 3,
    "M": 6,
    "G": 9,
    "T": 12,
    "P": 15,
    "E": 18,
}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}


def quantity(text: object) -> Decimal | None:
    """The number that a quantity means; None where it is not one, or below zero."""
    match = _FORM.fullmatch(str(text)) if isinstance(text, (str, int, float)) else None
    if match is None:
        return None
    digits, exponent, suffix = match.groups()
    number = Decimal(digits + (exponent or ""))
    if suffix in _BINARY:
        return number * Decimal(1024) ** _BINARY[suffix]
    return number.scaleb(_DECIMAL[suffix or ""])
