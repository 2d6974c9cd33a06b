"""docs/hints.md shows what the code says, and each kind of trouble has a hint of its own."""

import pytest
from support.hint_cases import CASES

import gen_hints
from claude_sidecar.hints.hint import hint_for


def test_the_docs_show_what_the_code_says() -> None:
    page = gen_hints.PAGE.read_text(encoding="utf-8")
    assert gen_hints.renewed(page) == page, "run tools/gen_hints.py"


@pytest.mark.parametrize("case", CASES)
def test_a_hint_is_one_ascii_line_of_400_characters_at_most(case: str) -> None:
    hint = hint_for(CASES[case])
    assert hint is not None
    assert len(hint) <= 400
    assert hint.isascii()
    assert hint.isprintable()
    assert not hint.endswith("...")


def test_every_defect_has_its_own_hint() -> None:
    hints = [hint_for(facts) for facts in CASES.values()]
    assert len(set(hints)) == len(hints)
