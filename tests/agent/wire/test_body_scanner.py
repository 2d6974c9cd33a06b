"""Agrees with a JSON parser on any body, in any pieces; says where the top-level members stand."""

import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.json_bodies import KEPT, Pairs, binds, bodies

from claude_sidecar.wire import json_tokens
from claude_sidecar.wire.body_scanner import UNREAD, BodyScanner
from claude_sidecar.wire.json_tokens import run_end, value_end
from claude_sidecar.wire.request_peek import scan, scanned_facts


@pytest.fixture(autouse=True, scope="module", params=[json_tokens.RUN_BYTES, 8], ids=["runs", "short runs"])
def _runs(request: pytest.FixtureRequest) -> Iterator[None]:
    """Runs of elements are passed over in small bodies, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_tokens, "RUN_BYTES", request.param)
        yield


def scanned(body: bytes, sizes: list[int]) -> BodyScanner:
    """Fed in pieces of these sizes, over and over."""
    scanner, at, turn = BodyScanner(), 0, 0
    while at < len(body):
        size = sizes[turn % len(sizes)]
        scanner.feed(body[at : at + size])
        at, turn = at + size, turn + 1
    return scanner


def top_level(body: bytes) -> list[tuple[str, Any]]:
    """Names and values as the standard library reads them, repeated ones too."""
    return json.loads(body, object_pairs_hook=Pairs)


@given(
    bodies(),
    st.lists(st.integers(1, 40), min_size=1, max_size=5),
    st.sampled_from([b"", b"\xef\xbb\xbf", b" \r\n\t"]),
)
@pytest.mark.long
def test_it_agrees_with_a_json_parser_in_any_pieces(
    body: tuple[bytes, Pairs], sizes: list[int], before: bytes
) -> None:
    text = before + body[0] + b" \n"
    expected = [(name, value) for name, value in top_level(text) if name in KEPT]
    for scanner in (scan(text), scanned(text, sizes), scanned(text, [1])):
        assert scanner.ended
        assert not scanner.broken
        assert [member.name for member in scanner.members] == [name for name, _ in expected]
        for member, (name, value) in zip(scanner.members, expected, strict=True):
            assert json.loads(text[member.start : member.end], object_pairs_hook=Pairs) == value
            assert json.loads(text[member.key_at : member.start].rstrip(b" \r\n\t:")) == name
            assert member.value == (UNREAD if isinstance(value, list) else value)
        assert scanned_facts(scanner).account_bound is binds(json.loads(text))


@given(st.binary(max_size=80) | st.text('{}[]":,\\u0model 1truefalsenull', max_size=60).map(str.encode))
def test_no_bytes_make_it_raise(data: bytes) -> None:
    for body in (data, b'{"model":"m",' + data, b'{"messages":[{"content":[{"source":' + data):
        whole, pieces = scan(body), scanned(body, [1, 3])
        assert (whole.ended, whole.broken) == (pieces.ended, pieces.broken)
        try:
            parsed = json.loads(body, parse_constant=int)  # NaN is no JSON
        except ValueError:
            continue
        assert whole.ended is isinstance(parsed, dict)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b'{"model":',
        b'{"model":"m"',
        b'{"messages":[{"content":"',
        b"\xef\xbb",
        b'{"a":[[[{"b":"\\',
    ],
)
def test_a_body_that_breaks_off_is_neither_whole_nor_broken(body: bytes) -> None:
    scanner = scan(body)
    assert (scanner.ended, scanner.broken) == (False, False)


@pytest.mark.parametrize(
    "body", [b"[]", b"null", b'"model"', b"x", b"\xff\xfe{", b'{"model":"m"} x', b'{"model":"m"}{}', b"{1:2}"]
)
def test_what_is_no_json_object_is_broken_and_known_by_nothing(body: bytes) -> None:
    scanner = scan(body)
    assert (scanner.ended, scanner.broken, scanner.members, scanner.binds) == (False, True, [], False)


@pytest.mark.parametrize("size", [4000, 5000, 70_000])
def test_of_a_long_value_the_place_is_known(size: int) -> None:
    for value in (
        json.dumps("\\" * (size // 2)),
        json.dumps(["]"] * size),
        json.dumps({"a": {"}": size * "["}}),
    ):
        body = f'{{"container": {value} , "model":"m"}}'.encode()
        for scanner in (scan(body), scanned(body, [999])):
            container, model = scanner.members
            assert body[container.start : container.end].decode() == value
            assert container.value == (
                json.loads(value) if value[0] == '"' and len(value) <= 4096 else UNREAD
            )
            assert model.value == "m"


def test_what_has_come_of_a_body_says_whether_it_binds() -> None:
    scanner = BodyScanner()
    scanner.feed(b'{"model":"m","messages":[{"content":[{"type":"text"},{"type":"container_upload"')
    assert scanner.binds
    assert [member.value for member in scanner.members] == ["m"]


@pytest.mark.long
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"x":' + b"[" * 100_000, id="arrays"),
        pytest.param(b'{"messages":' + b'[{"content":' * 50_000, id="content in content"),
        pytest.param(b'{"x":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001, id="closed objects"),
        pytest.param(b"{" + b'"model":"m",' * 50_000 + b'"x":1}', id="one name over and over"),
        pytest.param(b'{"x":"' + b"\\" * 300_000, id="backslashes"),
        pytest.param(b'{"x":"' + b'\\\\\\"' * 100_000, id="escaped quotes"),
        pytest.param(b" " * 300_000, id="white space"),
        pytest.param(
            b'{"messages":[' + b'{"content":[{"type":"file"}]},' * 10_000, id="messages that may bind"
        ),
    ],
)
def test_its_memory_stays_small_whatever_comes(body: bytes) -> None:
    scanner = BodyScanner()
    tracemalloc.start()
    try:
        for at in range(0, len(body), 16384):
            scanner.feed(body[at : at + 16384])
        assert tracemalloc.get_traced_memory()[1] < 300_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("behind", [b"", b",", b" , 1", b"}", b" ]", b'"', b"x"])
@pytest.mark.parametrize("value", [b"[]", b"{}", b'[1, {"a": "]}"}]', b'{"a": [[]]}'])
def test_the_end_of_a_value_is_told_by_msgspec(value: bytes, behind: bytes) -> None:
    """Held here because msgspec tells it in an error's words alone."""
    assert value_end(b"abc" + value + behind, 3) == 3 + len(value)
    assert value_end(value[:-1], 0) is None


_ELEMENT = b'{"a":[{"b":1},{"c":"},{"}],"d":"' + b"x" * 600 + b'"}'


@pytest.mark.parametrize(
    ("buffer", "elements"),
    [
        (b",".join([_ELEMENT] * 4), 3),
        (b",".join([_ELEMENT] * 3) + b",", 3),
        (b",".join([_ELEMENT] * 4)[:-100], 3),
    ],
    ids=["the last has nothing behind it", "all are followed", "the last is cut"],
)
def test_run_ends_behind_the_last_element_that_another_follows(buffer: bytes, elements: int) -> None:
    assert run_end(buffer, 0) == len(b",".join([_ELEMENT] * elements))


@pytest.mark.parametrize(
    "buffer",
    [_ELEMENT + b',"key":' + _ELEMENT + b',"key":' + _ELEMENT + b",", b'"},' * 1000, b"},{" * 1000],
    ids=["members", "texts", "no array"],
)
def test_what_is_no_run_is_none(buffer: bytes) -> None:
    assert run_end(buffer, 0) in (None, len(_ELEMENT) if buffer.startswith(_ELEMENT) else None)


@pytest.mark.parametrize("size", [1 << 10, 1 << 16])
@pytest.mark.parametrize("kind", ["file", "base64"])
def test_what_binds_is_found_in_the_midst_of_many_messages(kind: str, size: int) -> None:
    plain = {"role": "user", "content": [{"type": "text", "text": "a \u00e9"}]}
    binding = {"role": "user", "content": [{"type": "document", "source": {"type": kind, "file_id": "f"}}]}
    messages = [plain] * 2000 + [binding] + [plain] * 2000
    body = json.dumps({"messages": messages, "model": "m"}, separators=(",", ":")).encode()
    found = scanned(body, [size])
    assert (scanned_facts(found).account_bound, scanned_facts(found).model) == (kind == "file", "m")
