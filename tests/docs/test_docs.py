"""What the documents say is true: their policies pass, their links lead somewhere."""

import re
from pathlib import Path

import pytest
from support.documents import DOCUMENTS, anchors, blocks, named
from support.project import ROOT

from claude_sidecar.config.parse import parse_policy

POLICIES = [
    (named(document), block)
    for document in DOCUMENTS
    for block in blocks(document, "yaml")
    if "kind: ClaudePolicy" in block
]
_LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
_ANCHORED = re.compile(r"\]\(((?:[^)#:\s]+\.md)?)#([^)\s]+)\)")
_FILE_IN_TICKS = re.compile(r"`((?:tests|agent|examples|bench|docs|tools|crds|operator)/[\w./-]+\.\w+)`")
LINKS = [(doc, doc.parent / link) for doc in DOCUMENTS for link in _LINK.findall(doc.read_text("utf-8"))]
ANCHORED = [
    (doc, doc.parent / page if page else doc, anchor)
    for doc in DOCUMENTS
    for page, anchor in _ANCHORED.findall(doc.read_text("utf-8"))
]
FILES = [(doc, ROOT / name) for doc in DOCUMENTS for name in _FILE_IN_TICKS.findall(doc.read_text("utf-8"))]


@pytest.mark.parametrize(("document", "policy"), POLICIES, ids=[name for name, _ in POLICIES])
def test_a_documented_policy_is_valid(document: str, policy: str) -> None:
    parse_policy(policy.encode(), document)


@pytest.mark.parametrize("targets", [LINKS, FILES], ids=["links", "files in ticks"])
def test_links_lead_somewhere(targets: list[tuple[Path, Path]]) -> None:
    assert len(targets) > 5
    assert [f"{named(doc)}: {target}" for doc, target in targets if not target.exists()] == []


def test_anchors_in_links_are_those_of_headings() -> None:
    assert len(ANCHORED) > 50
    lost = [(named(doc), page.name, anchor) for doc, page, anchor in ANCHORED if anchor not in anchors(page)]
    assert lost == []


def test_an_anchor_is_made_of_a_heading_as_github_makes_it(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# The sidecar's own\n\n## `gateway_busy`\n\n```\n# no heading\n```\n### 500, [502](#x): so\n"
    )
    assert anchors(page) == {"the-sidecars-own", "gateway_busy", "500-502-so"}
