"""What a hint found."""

from typing import NamedTuple


class Finding(NamedTuple):
    """One thing that is wrong, and what to do.

    kind: its name among those of its section of docs/errors.md, by which hints are counted; empty where the
    section has but one. text: for people.
    """

    kind: str
    text: str
