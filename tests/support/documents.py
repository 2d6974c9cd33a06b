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
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_LINKED = re.compile(r"\[([^]]*)]\([^)]*\)")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def named(document: Path) -> str:
    """How a document is called from the project's root."""
    return str(document.relative_to(ROOT))


def blocks(document: Path, *languages: str) -> list[str]:
    """What stands between the fences, of these languages; "" is a block that names none."""
    return [text for language, text in _BLOCK.findall(document.read_text("utf-8")) if language in languages]


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them; of headings that repeat, the first's."""
    text = _BLOCK.sub("", document.read_text("utf-8"))
    words = (_LINKED.sub(r"\1", heading).strip().lower() for heading in _HEADING.findall(text))
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in words}


def command_lines() -> Iterator[tuple[str, str]]:
    """(Document, line) of all that users are told to type, comments and prompts taken off."""
    for document in DOCUMENTS:
        for block in blocks(document, "", "console"):
            for line in block.splitlines():
                yield named(document), line.strip().removeprefix("$ ").partition(" #")[0].strip()
