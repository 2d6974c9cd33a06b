"""Model names: what is wrong with one, and which was meant."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_sidecar.hints.known_models import KNOWN_MODELS
from claude_sidecar.hints.model_name import RIGHT, find_name, one_edit_apart

NAMES = st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=12)


@pytest.mark.parametrize("name", KNOWN_MODELS)
def test_every_known_name_is_right(name: str) -> None:
    finding = find_name(name, KNOWN_MODELS)
    assert finding is not None
    assert finding.wrong is RIGHT


@pytest.mark.parametrize("name", [name for name in KNOWN_MODELS if name.count("-") == 3])
def test_every_known_name_is_found_from_its_dotted_form(name: str) -> None:
    start, _, minor = name.rpartition("-")
    finding = find_name(f"{start}.{minor}", KNOWN_MODELS)
    assert finding is not None
    assert finding.names == (name,)
    assert finding.sure


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("claude-haiku-4-5@20251001", "claude-haiku-4-5-20251001"),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", "claude-haiku-4-5-20251001"),
        ("anthropic/claude-opus-4.7", "claude-opus-4-7"),
        ("claude_opus_4_7", "claude-opus-4-7"),
        (" claude-opus-4-7", "claude-opus-4-7"),
        ("claude-4.6-sonnet", "claude-sonnet-4-6"),
        ("claude-opus-4.8-20260101", "claude-opus-4-8"),
        ("claude-opus-4-8-latest", "claude-opus-4-8"),
        ("claude-haiku-4-5-2025101", "claude-haiku-4-5"),
    ],
)
def test_usual_ways_to_write_a_name_wrongly_lead_to_the_right_one(asked: str, meant: str) -> None:
    finding = find_name(asked, KNOWN_MODELS)
    assert finding is not None
    assert finding.names[0] == meant


@given(name=st.sampled_from(KNOWN_MODELS), at=st.integers(0, 40), letter=st.sampled_from("xzq"))
def test_one_letter_changed_in_a_known_name_is_one_character_off(name: str, at: int, letter: str) -> None:
    at = at % len(name)
    changed = name[:at] + letter + name[at + 1 :]
    assert one_edit_apart(changed, name)
    assert one_edit_apart(name[:at] + name[at + 1 :], name)
    assert one_edit_apart(name[:at] + letter + name[at:], name)


@given(NAMES, NAMES)
def test_one_edit_apart_agrees_with_trying_every_edit(one: str, other: str) -> None:
    letters = set(other)
    edits = {one[:i] + one[i + 1 :] for i in range(len(one))}
    edits |= {one[:i] + c + one[i:] for i in range(len(one) + 1) for c in letters}
    edits |= {one[:i] + c + one[i + 1 :] for i in range(len(one)) for c in letters}
    edits |= {one[:i] + one[i + 1] + one[i] + one[i + 2 :] for i in range(len(one) - 1)}
    assert one_edit_apart(one, other) == (one != other and other in edits)


@given(st.text(max_size=300), st.lists(st.text(max_size=100), max_size=20))
def test_any_text_is_compared_without_raising(asked: str, known: list[str]) -> None:
    finding = find_name(asked, known)
    assert finding is None or set(finding.names) <= set(known)


def test_a_name_without_its_own_kind_finds_nothing() -> None:
    assert find_name("gpt-4o", KNOWN_MODELS) is None


def test_a_very_long_name_is_not_compared() -> None:
    assert find_name("claude-opus-4-7" + "x" * 200, KNOWN_MODELS) is None
