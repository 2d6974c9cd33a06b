"""A request's few facts, from any bytes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.json_bodies import binds, bodies

from claude_sidecar.wire.body_scanner import BodyScanner
from claude_sidecar.wire.request_peek import NO_FACTS, BodyFacts, peek, places_of, scan, scanned_facts


def test_facts_of_an_ordinary_request() -> None:
    body = b'{"model":"claude-sonnet-4-6","max_tokens":64,"messages":[],"stream":true}'
    assert peek(body) == BodyFacts(
        "claude-sonnet-4-6", stream=True, account_bound=False, max_tokens=64, names_max_tokens=True
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b'"model"',
        b'{"model":',
        b'{"model":"m"} x',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_what_is_no_json_object_has_no_facts(body: bytes) -> None:
    assert peek(body) == NO_FACTS


@pytest.mark.parametrize(
    "body", [b'{"x":' + b"[" * 100_000, b'{"x":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001]
)
def test_deep_nesting_does_no_harm(body: bytes) -> None:
    assert peek(body).model is None


@pytest.mark.parametrize(("model", "read"), [("m" * 256, True), ("m" * 257, False), ("m" * 1_000_000, False)])
def test_a_name_too_long_to_be_a_model_counts_as_none(model: str, read: bool) -> None:
    assert peek(json.dumps({"model": model, "stream": True}).encode()) == BodyFacts(
        model if read else None, stream=read, names_max_tokens=False
    )


@pytest.mark.parametrize("stream", ["true", 1, None, [], {}, False])
def test_only_true_asks_for_a_stream(stream: Any) -> None:
    assert not peek(json.dumps({"stream": stream}).encode()).stream


@pytest.mark.parametrize("model", [1, None, [], {}, True])
def test_a_model_that_is_no_text_counts_as_none(model: Any) -> None:
    assert peek(json.dumps({"model": model}).encode()).model is None


@pytest.mark.parametrize("tokens", ["64", None, True, 6.5, []])
def test_max_tokens_that_is_no_whole_number_counts_as_none(tokens: Any) -> None:
    assert peek(json.dumps({"max_tokens": tokens}).encode()).max_tokens is None


FILE = '{"type":"document","source":{"type":"file","file_id":"file_1"}}'
UPLOAD = '{"type":"container_upload","file_id":"file_1"}'
TOOL = '{"type":"tool_use","input":{"file_id":"1AbC","source":{"type":"file"},"content":[UPLOAD]}}'


def spelt(body: str) -> bytes:
    """A body with the blocks that its capitals stand for."""
    for name, block in {"TOOL": TOOL, "FILE": FILE, "UPLOAD": UPLOAD}.items():
        body = body.replace(name, block)
    return body.encode()


def user(content: str) -> str:
    return f'{{"model":"m","messages":[{{"role":"user","content":{content}}}]}}'


@pytest.mark.parametrize(
    "body",
    [
        user("[FILE]"),
        user("[UPLOAD]"),
        user('[{"type":"text"},TOOL,UPLOAD]'),
        user("FILE"),
        '{"system":[FILE]}',
        user('[{"type":"tool_result","content":[FILE]}]'),
        user('[{"type":"web_fetch_tool_result","content":{"content":FILE}}]'),
        user('[{"source":{"type":"content","content":[FILE]}}]'),
        user('[{"source":{"content":[FILE],"type":"content"}}]'),
        '{"container":"container_1"}',
        '{"container":{"skills":[]}}',
        '{"thread":{"id":"t"}}',
        '{"container":null,"container":"c"}',
        user('[{"type":"text","type":"container_upload"}]'),
        user('[{"s\\u006furce":{"type":"file"}}]'),
    ],
)
def test_what_names_a_file_container_or_thread_lives_in_one_account(body: str) -> None:
    assert peek(spelt(body)).account_bound


@pytest.mark.parametrize("word", ["container_upload", "file"])
def test_a_word_that_binds_may_be_escaped_in_any_letter(word: str) -> None:
    for letter in word:
        escaped = word.replace(letter, f"\\u{ord(letter):04X}")
        assert peek(spelt(user("[FILE,UPLOAD]")).replace(word.encode(), escaped.encode())).account_bound
        alone = '{"type":"container_upload"}' if word != "file" else '{"source":{"type":"file"}}'
        assert peek(user(f"[{alone}]".replace(word, escaped)).encode()).account_bound


@pytest.mark.parametrize(
    "body",
    [
        user("[TOOL]"),
        user('[{"type":"tool_result","file_id":"f"}]'),
        user('[{"type":"document","source":{"type":"base64","data":"file"}}]'),
        user('[{"type":"document","source":"file"}]'),
        user('"{\\"type\\":\\"container_upload\\"}"'),
        user('"a container, a thread, a file"'),
        '{"batch_id":"msgbatch_1"}',
        '{"container":null,"thread":null}',
        '{"container":"c","container":null}',
        '{"messages":[{"content":[FILE]}],"messages":[]}',
        '{"metadata":{"content":[FILE]},"tools":[FILE]}',
        user('[{"type":"container_upload","type":"text"}]'),
        user('[{"source":{"type":"file"},"source":{"type":"url"}}]'),
        user('[{"source":{"type":"file","content":[],"type":"content"}}]'),
        user('[{"source":{"content":[FILE],"type":"content","content":[]}}]'),
        '{"tools":[{"input_schema":{"properties":{"container":{"type":"string"},"type":{"const":"file"}}}}]}',
    ],
)
def test_words_in_texts_and_tools_bind_nothing(body: str) -> None:
    assert not peek(spelt(body)).account_bound


@pytest.mark.parametrize(
    "kind", ['"file","content":[]', '"content","content":[UPLOAD]', '"x","content":[UPLOAD]']
)
def test_a_source_binds_by_its_type_or_by_what_it_holds(kind: str) -> None:
    assert peek(spelt(user(f'[{{"source":{{"type":{kind}}}}}]'))).account_bound


@pytest.mark.long
@given(st.binary(max_size=100) | bodies().map(lambda body: body[0]))
def test_whole_and_in_pieces_a_body_has_the_same_facts(body: bytes) -> None:
    scanner = BodyScanner()
    for at in range(len(body)):
        scanner.feed(body[at : at + 1])
    assert peek(body) == scanned_facts(scanner) == scanned_facts(scan(body))


@given(bodies())
@pytest.mark.long
def test_facts_are_those_that_a_json_parser_finds(body: tuple[bytes, object]) -> None:
    found, facts = json.loads(body[0]), peek(body[0])
    model = found.get("model")
    assert facts.model == (model if isinstance(model, str) else None)
    assert facts.stream is (found.get("stream") is True and (model is None or isinstance(model, str)))
    assert facts.account_bound is binds(found)


def test_what_has_come_of_a_body_has_facts_only_if_asked_for_as_such() -> None:
    begun = scan(b'{"stream":true,"model":"m","messages":[')
    assert scanned_facts(begun) == NO_FACTS
    assert scanned_facts(begun, begun=True) == BodyFacts("m", stream=True, names_max_tokens=False)


def test_each_place_of_a_name_is_known() -> None:
    body = b'{"model":"a","x":{"model":"b"},"mod\\u0065l":"c","model":null}'
    places = places_of(scan(body).members, "model")
    assert [body[place.start : place.end] for place in places] == [b'"a"', b'"c"', b"null"]
    assert peek(body).model is None
