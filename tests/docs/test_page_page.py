"""What docs/page.md says needs a person is what the code tells, and its links lead somewhere."""

import pytest
from support.documents import anchors
from support.project import ROOT

from claude_sidecar.telemetry.trouble_row import AtLeast, Row
from claude_sidecar.telemetry.trouble_table import TABLE

PAGE = ROOT / "docs" / "page.md"


def words(at_least: AtLeast | None) -> str:
    """A threshold as the page has it."""
    if at_least is None:
        return ""
    calls = "a call" if at_least.calls == 1 else f"{at_least.calls} calls"
    return f"{calls}, {at_least.percent:g} %" if at_least.percent else calls


def line(row: Row) -> str:
    """A row of the table as the page has it."""
    told = f"calls {row.what}".replace(" (other)", "")
    return f"| {told} | {words(row.fails)} | {words(row.meets)} | [{row.link}]({row.link}) |"


def rows() -> list[Row]:
    """One for each kind; a client's own setting is in its line on the page."""
    return [row for row in TABLE if not row.id.startswith("blind-repeats/") or row.id.endswith("/other")]


def test_the_table_is_the_codes() -> None:
    text = PAGE.read_text("utf-8")
    missing = [line(row) for row in rows() if line(row) not in text]
    assert missing == [], "put these lines into docs/page.md"
    told = [each for each in text.splitlines() if each.startswith("| calls ")]
    assert told == [line(row) for row in rows()]


@pytest.mark.parametrize("link", sorted({row.link for row in TABLE}))
def test_a_trouble_links_to_a_section_that_is_there(link: str) -> None:
    page, _, anchor = link.partition("#")
    assert not anchor or anchor in anchors(ROOT / "docs" / page)
