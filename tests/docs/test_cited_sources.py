"""What docstrings and comments cite can be opened: the page is there, and so is the heading."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.documents import named
from support.project import ROOT

SOURCES = sorted(path for room in ("agent", "operator") for path in (ROOT / room).rglob("*.py"))
PAGES = sorted((ROOT / "docs").glob("*.md"))
_CITED = re.compile(r'(?:^|(?<=[\s(`]))([\w./-]+\.md)\b((?:(?:,| and) "[^"]+")*)')
ARCHITECTURE = ROOT / "docs" / "architecture.md"
PACKAGES = (ROOT / "agent" / "claude_sidecar", ROOT / "operator" / "claude_operator")
_MODULE = re.compile(r"`(\w+/\w+\.py)(?:: (\w+))?")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def prose(source: str) -> Iterator[str]:
    """Docstrings and comments, each on one line, since a citation may be broken over two."""
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield " ".join(node.value.value.split())
    comments = [
        token
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    ]
    yield " ".join(token.string.lstrip("# ") for token in comments)


def cited(source: str) -> Iterator[tuple[str, str | None]]:
    """Page and heading of each citation, such as `docs/responses.md, "Streams" and "Open files"`."""
    for text in prose(source):
        for page, headings in _CITED.findall(text):
            yield from ((page, heading) for heading in re.findall(r'"([^"]+)"', headings) or [None])


def is_there(page: str, heading: str | None) -> bool:
    path = ROOT / page
    return path.is_file() and (heading is None or heading in _HEADING.findall(path.read_text("utf-8")))


CITED = [(named(path), page, heading) for path in SOURCES for page, heading in cited(path.read_text("utf-8"))]


def test_pages_and_headings_that_docstrings_cite_are_there() -> None:
    assert len(CITED) > 20
    assert [citation for citation in CITED if not is_there(*citation[1:])] == []


STREAMS, FILES = ("docs/responses.md", "Streams"), ("docs/responses.md", "Open files")


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('"""As docs/responses.md,\n"Streams" and "Open files", says."""', [STREAMS, FILES]),
        ('X = 1\n"""See notes.md."""', [("notes.md", None)]),
        ("X = 1  # (docs/responses.md)", [("docs/responses.md", None)]),
        ('X = "docs/responses.md"', []),
        ('"""https://example.com/FAQ.md"""', []),
    ],
    ids=["headings", "attribute", "comment", "value", "address"],
)
def test_citations_are_found_where_people_write_them(
    source: str, found: list[tuple[str, str | None]]
) -> None:
    assert list(cited(source)) == found


def test_a_citation_of_what_is_not_there_is_noticed() -> None:
    assert is_there("docs/responses.md", "Streams")
    assert not is_there("docs/responses.md", "Rivers")
    assert not is_there("claude-api.md", None)


def defines(package: Path, name: str, word: str) -> bool:
    """Whether a package has a module of this name, and in it a class or function called so (any, if "")."""
    module = package / name
    return module.is_file() and (
        not word or bool(re.search(rf"\b(?:class|def) {word}\b", module.read_text()))
    )


def test_modules_that_the_architecture_names_are_there_with_what_it_names_in_them() -> None:
    modules = _MODULE.findall(ARCHITECTURE.read_text("utf-8"))
    assert len(modules) > 20
    assert [(name, word) for name, word in modules if not any(defines(p, name, word) for p in PACKAGES)] == []


def test_every_page_is_listed_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [named(page) for page in PAGES if f"({named(page)})" not in readme] == []
