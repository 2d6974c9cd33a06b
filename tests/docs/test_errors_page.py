"""docs/errors.md: a section a status, and for each cause where a user sees it: all that it names is there."""

import re
import shlex

import pytest
from click.testing import CliRunner
from support.documents import anchors
from support.hint_cases import CASES
from support.project import ROOT

from claude_sidecar.cli.main import group
from claude_sidecar.doctor.check import CheckId
from claude_sidecar.hints.gateway import own_error_section
from claude_sidecar.hints.hint import HintFacts, hint_for
from claude_sidecar.proxy.gateway_errors import GatewayError

PAGE = ROOT / "docs" / "errors.md"
TEXT = PAGE.read_text("utf-8")
ADMIN_PAGE = ROOT / "agent" / "claude_sidecar" / "proxy" / "page" / "index.html"
TELEMETRY = (ROOT / "docs" / "telemetry.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))
FAILURES = ("400", "401", "402", "403", "404", "409", "413", "429", "500", "5xx", "529")
WITHOUT_STATUS = ("Errors inside a stream", "Streams that stop", "Silence")
WALK = SECTIONS["Every cause, and where you see it"]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")] for line in WALK.splitlines() if line[:2] == "| "
]
CAUSES = [row for row in ROWS if row[0] not in ("status", "---")]
LED_TO = {case: (hint_for(facts) or "").rpartition("#")[2].rstrip("]") for case, facts in CASES.items()}
COMMANDS = sorted(set(re.findall(r"`claude-sidecar (explain policy\.yaml [^`]+)`", TEXT)))
POLICY = str(ROOT / "examples" / "two-organisations.yaml")


def ticked(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("name", [*FAILURES, *WITHOUT_STATUS])
def test_a_section_says_what_it_means_whose_it_is_where_you_see_it_what_is_done_and_what_you_do(
    name: str,
) -> None:
    parts = re.findall(r"^- \*\*([^*]+):\*\*", SECTIONS[name], re.MULTILINE)
    assert parts == ["Means", "Whose", "Seen", "The sidecar", "You"]


@pytest.mark.parametrize("case", CASES)
def test_every_hint_ends_with_a_section_of_the_page(case: str) -> None:
    found = re.search(r" \[docs/errors\.md#([\w-]+)]$", hint_for(CASES[case]) or "")
    assert found is not None
    assert found[1] in anchors(PAGE)
    status, _, defect = case.partition(" ")
    if status in FAILURES and "own error" not in defect and "another gateway" not in defect:
        assert found[1] == status


@pytest.mark.parametrize("error", GatewayError)
def test_every_error_of_the_sidecars_own_has_a_section(error: GatewayError) -> None:
    assert error.error_type in anchors(PAGE)
    facts = HintFacts(error.status, error_type=error.error_type, own=True)
    assert own_error_section(facts) == error.error_type


def test_every_cause_names_hints_checks_and_sections_that_are_there() -> None:
    assert len(CAUSES) > 40
    for status, cause, hints, checks, also in CAUSES:
        assert ticked(hints) or ticked(checks) or also, cause
        section = status.partition("#")[2].strip("()")
        anywhere = section in ("", "errors-inside-a-stream")
        names = {case.partition(" ")[2] for case in CASES if anywhere or LED_TO[case] == section}
        assert set(ticked(hints)) <= names, cause
        assert set(ticked(checks)) <= set(CheckId), cause


def test_the_checks_that_sections_name_are_doctors() -> None:
    named = [
        word
        for part in re.findall(r"Checks? (`.*?) (?:of doctor|look)", TEXT, re.DOTALL)
        for word in ticked(part)
    ]
    assert len(named) > 10
    assert set(named) <= set(CheckId)


def test_the_metrics_that_the_page_names_are_there_with_their_labels() -> None:
    metrics = re.findall(r"`(claude_sidecar_\w+)(?:\{(\w+)=)?", TEXT)
    assert len(metrics) > 20
    for name, label in metrics:
        row = next((line for line in TELEMETRY.splitlines() if line.startswith(f"| `{name}`")), "")
        assert row, name
        assert not label or f"`{label}`" in row, (name, label)


@pytest.mark.parametrize("command", COMMANDS)
def test_an_explain_that_the_page_shows_plays_an_error_to_its_end(command: str) -> None:
    words = [POLICY if word == "policy.yaml" else word for word in shlex.split(command)]
    ended = CliRunner().invoke(group, words)
    assert ended.exit_code == 0, ended.output
    assert "deliver" in ended.output or "gateway_" in ended.output


def test_the_parts_of_the_page_that_are_named_are_its_headings() -> None:
    named = set(re.findall(r"\bpage, \*([^*]+)\*|\*(What needs a person)\*", TEXT))
    headings = re.findall(r"<h2[^>]*>([^<]+)</h2>", ADMIN_PAGE.read_text("utf-8"))
    assert len(named) > 3
    assert {one or other for one, other in named} <= {heading.partition(",")[0] for heading in headings}
