"""The documents that users read, cut into their blocks."""

import re
from collections.abc import Iterator
from pathlib import Path

from support.project import ROOT

DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "*/README.md", "charts/*/README.md")
    for path in ROOT.glob(pattern)
)
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def named(document: Path) -> str:
    """How a document is called from the project's root."""
    return str(document.relative_to(ROOT))


def blocks(document: Path, *languages: str) -> list[str]:
    """What stands between the fences, of these languages; "" is a block that names none."""
    return [text for language, text in _BLOCK.findall(document.read_text("utf-8")) if language in languages]


def command_lines() -> Iterator[tuple[str, str]]:
    """(Document, line) of all that users are told to type, comments and prompts taken off."""
    for document in DOCUMENTS:
        for block in blocks(document, "", "console"):
            for line in block.splitlines():
                yield named(document), line.strip().removeprefix("$ ").partition(" #")[0].strip()
