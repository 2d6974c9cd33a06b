"""A model name that was not found: what is wrong with it, and which name was meant."""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import NamedTuple

from claude_sidecar.hints.facts import MODEL_NAME

MAX_ASKED_CHARS = 120
MAX_KNOWN = 200
"""Comparing is quadratic and runs on the event loop, so both sides are bounded."""

RIGHT = "the name is right"
"""`NameFinding.wrong` of a name that is in the list."""

_PROVIDER_PREFIX = re.compile(
    r"(?:(?:global|us|eu|apac|jp|au)\.)?anthropic[./]|(?:models|publishers/anthropic/models|openrouter/anthropic|bedrock|vertex_ai)/"
)
_PROVIDER_SUFFIX = re.compile(r"(?:-v\d+(?::\d+)?|:[a-z]+)\Z")
_DATE = re.compile(r"[-@](?:\d{6,9}|\d{4}-\d{2}-\d{2}|latest)\Z")
_LONG_CONTEXT = re.compile(r"(?:\s*\[1m\])+\Z", re.IGNORECASE)
"""How Claude Code marks a model whose long context is wanted; it takes the mark off before it calls."""

_FAMILIES = ("opus", "sonnet", "haiku", "fable", "mythos")


class NameFinding(NamedTuple):
    """What is wrong (a clause) and names in its place, best first, maybe none.

    sure: the names follow from the one asked for; else they are merely the nearest.
    """

    wrong: str
    names: tuple[str, ...]
    sure: bool


def find_name(asked: str, known: Sequence[str]) -> NameFinding | None:
    """Compares a name that was refused with the known ones; None where nothing comes near.

    A name that is in the list gives a finding without names: it is right, but not for this key.
    """
    names = [name for name in known[:MAX_KNOWN] if MODEL_NAME.fullmatch(name)]
    if asked in names:
        return NameFinding(RIGHT, (), sure=True)
    if len(asked) > MAX_ASKED_CHARS:
        return None
    corrected, reasons = _correct(asked)
    if corrected in names:
        return NameFinding(" and ".join(reasons), (corrected,), sure=True)
    family = _DATE.sub("", corrected)
    if dated := tuple(name for name in names if _DATE.sub("", name) == family):
        return NameFinding(
            " and ".join([*reasons, _date_clause(corrected, family, dated)]), dated[:3], sure=True
        )
    sought = family if family != corrected else corrected
    if close := tuple(
        name for name in names if one_edit_apart(corrected, name) or one_edit_apart(sought, name)
    ):
        return NameFinding(" and ".join([*reasons, "it is one character off"]), close[:3], sure=False)
    if near := tuple(get_close_matches(corrected, names, n=3, cutoff=0.6)):
        return NameFinding(" and ".join([*reasons, "no such name is known"]), near, sure=False)
    return NameFinding(" and ".join(reasons), (), sure=False) if reasons else None


def one_edit_apart(one: str, other: str) -> bool:
    """Whether one character put in, left out, changed or swapped with its neighbour makes one the other."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    short, long = sorted((one, other), key=len)
    at = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(short) < len(long):
        return short[at:] == long[at + 1 :]
    swapped = short[at + 1 : at + 2] + short[at : at + 1] + short[at + 2 :]
    return short[at + 1 :] == long[at + 1 :] or swapped == long[at:]


def corrected_name(asked: str) -> str:
    """A name with the usual ways of writing it wrongly undone."""
    return _correct(asked)[0] if len(asked) <= MAX_ASKED_CHARS else asked


def without_date(name: str) -> str:
    """A name without the date, or `-latest`, at its end."""
    return _DATE.sub("", name)


def _correct(asked: str) -> tuple[str, list[str]]:
    """Undoes the usual ways of writing a name wrongly, one after the other, and says which were found."""
    reasons = []
    name = asked.strip()
    if (unmarked := _LONG_CONTEXT.sub("", name)) != name:
        reasons.append("[1m] is Claude Code's own mark for a long context and no part of a name")
        name = asked = unmarked
    plain = _PROVIDER_SUFFIX.sub("", _PROVIDER_PREFIX.sub("", name, count=1)).replace("@", "-")
    if plain != name:
        reasons.append("this is another provider's form of the name")
    hyphened = re.sub(r"[\s_]+", "-", plain).lower()
    if hyphened != plain or name != asked:
        reasons.append("names are lower case with hyphens, without spaces")
    name = hyphened
    if "." in name:
        reasons.append("names have hyphens, not dots")
        name = name.replace(".", "-")
    if name.startswith(_FAMILIES):
        reasons.append("names begin with claude-")
        name = f"claude-{name}"
    ordered = _family_first(name)
    if ordered != name:
        reasons.append("the family comes before the number since Claude 4")
    return ordered, reasons


def _family_first(name: str) -> str:
    """`claude-4-7-opus` as `claude-opus-4-7`; the same text where the family already leads."""
    found = re.fullmatch(rf"claude-(\d+(?:-\d)?)-({'|'.join(_FAMILIES)})(-.*)?", name)
    return f"claude-{found[2]}-{found[1]}{found[3] or ''}" if found else name


def _date_clause(corrected: str, family: str, dated: Sequence[str]) -> str:
    if corrected == family:
        return "its date is missing"
    return "it takes no date" if family in dated and len(dated) == 1 else "its date is wrong"
