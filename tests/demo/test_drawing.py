"""Tables and span trees in plain text."""

from claude_sidecar.demo.collector import Span, SpanEvent
from claude_sidecar.demo.span_tree import span_tree
from claude_sidecar.demo.text_table import Column, table
from claude_sidecar.telemetry import names


def test_long_cells_go_on_below_and_columns_are_as_wide_as_what_is_in_them() -> None:
    columns = [Column("what", 9), Column("ms", 6, number=True)]
    assert list(table(columns, [["one two three", "1.5"], ["four", "20.0"]])) == [
        "what       ms",
        "-------  ----",
        "one two   1.5",
        "three",
        "four     20.0",
    ]


def test_tree_shows_spans_and_events_in_the_order_of_time() -> None:
    top = Span("POST /v1/messages", "SERVER", "a", "elsewhere", 0, 9_000_000, {names.ATTEMPTS: 2})
    chat = Span("chat claude-sonnet-5", "CLIENT", "b", "a", 0, 9_000_000, {})
    moved = SpanEvent(4_000_000, "moved", {"to": "two"})
    chat.events.append(moved)
    sends = [
        Span("POST", "CLIENT", name, "b", at, at + 2_000_000, {names.HTTP_RESPONSE_STATUS_CODE: status})
        for name, at, status in (("d", 5_000_000, 200), ("c", 1_000_000, 529))
    ]
    assert list(span_tree([*sends, chat, top])) == [
        "POST /v1/messages  [server, 9.0 ms]",
        "|    claude_sidecar.attempts=2",
        "`- chat claude-sonnet-5  [client, 9.0 ms]",
        "   |- POST  [client, 2.0 ms]",
        "   |       http.response.status_code=529",
        "   |  * moved  to=two",
        "   `- POST  [client, 2.0 ms]",
        "           http.response.status_code=200",
    ]
