"""Which functions of the agent run while something happens."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import claude_sidecar

_PACKAGE = Path(claude_sidecar.__file__).parent
_COMPREHENSIONS = ("<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>")
"""Functions to some interpreters and none to others."""


class Walk:
    """functions: those that ran, by module, as a path within the package."""

    def __init__(self) -> None:
        self.functions: dict[str, set[CodeType]] = {}

    @property
    def count(self) -> int:
        return sum(len(found) for found in self.functions.values())

    def __str__(self) -> str:
        lines = [
            f"{module}: {' '.join(sorted(code.co_name for code in found))}"
            for module, found in sorted(self.functions.items())
        ]
        return "\n".join([f"{len(lines)} modules, {self.count} functions", *lines])


@contextmanager
def walked() -> Iterator[Walk]:
    """Watch this thread meanwhile; the simulator, which stands for the upstream, is not counted."""
    walk = Walk()

    def note(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event != "call" or code.co_name in _COMPREHENSIONS:
            return
        path = Path(code.co_filename)
        if _PACKAGE in path.parents and path.parent.name != "simulator":
            walk.functions.setdefault(str(path.relative_to(_PACKAGE)), set()).add(code)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield walk
    finally:
        sys.setprofile(before)
