"""The `x-simulate` header: its grammar and how its `times` are counted."""

import pytest


async def test_times_are_counted_by_the_text_of_the_header(started):
    async with started() as bench:
        given = [(await bench.message("status=429; retry-after=2; times=2")).status for _ in range(3)]
        other = (await bench.message("529; times=2")).status
    assert given == [429, 429, 200]
    assert other == 529


async def test_times_are_counted_by_call_id_where_there_is_one(started):
    async with started() as bench:

        async def ask(call_id):
            return (await bench.message("529; times=1", _lines=[("x-simulate-id", call_id)])).status

        assert [await ask("a"), await ask("a"), await ask("b"), await ask("b")] == [529, 200, 529, 200]


async def test_header_goes_before_the_rules_and_leaves_the_call_to_them_when_used_up(started):
    async with started("rules: [{status: 500}]") as bench:
        assert (await bench.message("529; times=1")).status == 529
        assert (await bench.message("529; times=1")).status == 500


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("brew=tea", "x-simulate: 'brew' is not known. Allowed: a status, header.NAME, answer-model,"),
        ("999", "x-simulate: status: Input should be less than or equal to 599"),
        ("reset; close", "x-simulate: an answer ends in one way only, here reset and close"),
        ("529; truncate-at-event=1", "x-simulate: a status or body replaces the stream"),
        ("delay=soon", "x-simulate: delay: Input should be a valid number"),
        ("body-base64=%%", "x-simulate: body-base64 is not base64"),
        ("match=x", "x-simulate: 'match' is not known"),
    ],
)
async def test_header_that_is_not_understood_is_a_400_that_says_why(started, text, message):
    async with started() as bench:
        answer = await bench.message(text)
    assert answer.status == 400
    assert answer.json()["error"]["message"].startswith(message)
