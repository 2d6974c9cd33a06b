"""A request's few facts, from any bytes; the model's name replaced and nothing else."""

import json
import mmap
import tempfile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claude_sidecar.wire.request_peek import NO_FACTS, BodyFacts, peek, replace_model

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["model", "stream", "container", "x", "max_tokens"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


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


@pytest.mark.parametrize(
    ("body", "bound"),
    [
        ('{"messages":[{"content":[{"source":{"type":"file","file_id":"file_1"}}]}]}', True),
        ('{"messages":[{"content":[{"source":{"file_id" : "file_1"}}]}]}', True),
        ('{"batch_id":"msgbatch_1"}', True),
        ('{"container":"container_1"}', True),
        ('{"container":{"skills":[]}}', True),
        ('{"thread":{"id":"t"}}', True),
        ('{"container":null,"thread":null}', False),
        (
            '{"tools":[{"input_schema":{"properties":{"container":{"type":"string"},"file_id":{"type":"string"}}}}]}',
            False,
        ),
        ('{"messages":[{"content":"{\\"file_id\\": \\"x\\"}"}]}', False),
        ('{"messages":[{"content":"a container, a thread"}]}', False),
    ],
)
def test_what_names_a_file_container_thread_or_batch_lives_in_one_account(body: str, bound: bool) -> None:
    assert peek(body.encode()).account_bound is bound


def test_a_spooled_body_is_read_where_it_lies() -> None:
    body = b'{"messages":[{"source":{"file_id":"f"}}],"model":"m"}'
    with tempfile.TemporaryFile() as file:
        file.write(body)
        file.flush()
        with mmap.mmap(file.fileno(), len(body), prot=mmap.PROT_READ) as mapped:
            assert peek(mapped) == peek(body) == BodyFacts("m", account_bound=True, names_max_tokens=False)  # type: ignore[arg-type]


@given(st.binary(max_size=100) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_body_makes_it_raise(body: bytes) -> None:
    facts = peek(body)
    assert facts.model is None or isinstance(facts.model, str)
    assert replace_model(body, "m", "n") is None or facts.model == "m"


@settings(max_examples=50)
@given(JSON, st.sampled_from(["m", "claude-sonnet-4-6", "1", "0", 'q"\\', "é", ""]), st.text(max_size=20))
def test_replacing_changes_only_the_top_level_models_bytes(rest: Any, model: str, other: str) -> None:
    inner = {"model": model, "more": [rest, {"model": model}], "text": f'{{"model":"{model}"}}'}
    for keys in (("a", "model", "z"), ("model", "a", "z"), ("a", "z", "model")):
        whole = {key: model if key == "model" else inner for key in keys}
        for separators in ((",", ":"), (" , ", " : ")):
            body = json.dumps(whole, ensure_ascii=False, separators=separators).encode()
            changed = replace_model(body, model, other)
            assert changed is not None
            expected = json.dumps(
                {**whole, "model": "@@"}, ensure_ascii=False, separators=separators
            ).encode()
            before, after = expected.split(b'"@@"')
            assert changed.startswith(before)
            assert changed.endswith(after)
            assert json.loads(changed[len(before) : len(changed) - len(after)]) == other


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"junk",
        b'{"model":"x"}',
        b'{"model":"\\u006d"}',
        b'{"a":{"model":"m"}}',
        b'{"a":{"model":"m"},"model":"0"}',
    ],
)
def test_a_model_that_cannot_be_found_for_certain_is_not_replaced(body: bytes) -> None:
    assert replace_model(body, "m", "n") is None


def test_replacing_takes_linear_time_however_many_objects_name_a_model() -> None:
    nested = b'{"model":"m"},' * 200_000
    body = b'{"messages":[' + nested + b'0],"model":"m"}'
    assert replace_model(body, "m", "n") == body[:-3] + b'n"}'
