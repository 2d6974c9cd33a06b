"""Edits in a body that comes in any pieces: their bytes are new, every other one is as it was."""

from hypothesis import given
from hypothesis import strategies as st

from claude_sidecar.wire.splice import Edit, Splicer, growth_bytes


@st.composite
def edited(draw: st.DrawFn) -> tuple[bytes, list[Edit]]:
    body = draw(st.binary(min_size=1, max_size=60))
    bounds = sorted(draw(st.sets(st.integers(0, len(body)), max_size=6)))
    pairs = zip(bounds[::2], bounds[1::2], strict=False)
    return body, [Edit(start, end, draw(st.binary(max_size=5))) for start, end in pairs]


@given(edited(), st.lists(st.integers(1, 20), min_size=1, max_size=4))
def test_edits_are_made_whatever_the_pieces(given_: tuple[bytes, list[Edit]], sizes: list[int]) -> None:
    body, edits = given_
    expected, at = b"", 0
    for edit in edits:
        expected += body[at : edit.start] + edit.new
        at = edit.end
    expected += body[at:]
    splicer, found, at, turn = Splicer(edits), b"", 0, 0
    while at < len(body):
        size = sizes[turn % len(sizes)]
        found += b"".join(splicer.feed(body[at : at + size]))
        at, turn = at + size, turn + 1
    assert found == expected
    assert len(expected) == len(body) + growth_bytes(edits)


def test_what_is_not_replaced_stays_where_it_lies() -> None:
    body = b'{"model":"a","messages":[]}'
    head, new, tail = Splicer([Edit(9, 12, b'"bc"')]).feed(body)
    assert (bytes(head), new, bytes(tail)) == (b'{"model":', b'"bc"', b',"messages":[]}')
    for part in (head, tail):
        assert isinstance(part, memoryview)
        assert part.obj is body
