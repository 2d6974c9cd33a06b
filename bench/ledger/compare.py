"""Where two books differ: each difference in a line."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bench.ledger.books import Attempt, Call, Sums, TracedCall, summed
from bench.ledger.page import page_differences
from bench.ledger.setting import CONVERSATION, alias
from bench.ledger.usage import NOTHING, billed, served
from claude_sidecar.simulator.ledger import Entry


@dataclass(frozen=True, slots=True)
class Books:
    """All that is known of what was played.

    statuses: what the app was answered, by conversation; entries: what was served, by request id; calls,
    traces: as `/requests` and spans tell them, by conversation; metrics: by name; page: what `/overview`
    counts since the start.
    """

    statuses: Mapping[str, int]
    entries: Mapping[str, Entry]
    calls: Mapping[str, Call]
    traces: Mapping[str, TracedCall]
    metrics: Mapping[str, Sums]
    page: Mapping[str, Any]


def differences(books: Books) -> Iterator[str]:
    """Everything in which the books are at odds."""
    for conversation, status in books.statuses.items():
        call = books.calls.get(conversation)
        if call is None or call.status != status:
            yield f"{conversation}: the app got {status}, /requests says {call and call.status}"
    for call in books.calls.values():
        yield from _of_call(call)
        for sent in call.attempts:
            yield from _served(call, sent, books.entries)
        trace = books.traces.get(call.conversation)
        if trace is None:
            yield f"{call.conversation}: no trace"
        else:
            yield from _traced(call, trace)
    yield from _unseen(books)
    yield from _counted(books)
    yield from page_differences(books.page, books.calls.values())


def _of_call(call: Call) -> Iterator[str]:
    """A call costs what its attempts do."""
    costs = [sent.bill.usd for sent in call.attempts if sent.bill.usd is not None]
    if call.usd != (sum(costs) if costs else None):
        yield f"{call.conversation}: costs {call.usd}, its attempts {costs}"
    kinds = {kind for sent in call.attempts for kind in sent.bill.unpriced}
    if set(call.unpriced) != kinds:
        yield f"{call.conversation}: unpriced {call.unpriced}, its attempts {sorted(kinds)}"


def _served(call: Call, sent: Attempt, entries: Mapping[str, Entry]) -> Iterator[str]:
    """An attempt against what the API served: all of that, or, where the app left, what came by then."""
    where = f"{call.conversation} {sent.request_id}"
    entry = entries.get(sent.request_id or "")
    if entry is None:
        if sent.used != NOTHING or sent.request_id is not None:
            yield f"{where}: the API knows nothing of {sent.used}"
        return
    if sent.key != alias(entry.key):
        yield f"{where}: told under {sent.key}, sent with {entry.key}"
    truth = served(entry.reported_usage)
    if sent.used != truth and not (call.left and sent.used.is_within(truth)):
        yield f"{where}: used {sent.used}, served {truth}"
    if (sent.bill.usd, set(sent.bill.unpriced)) != _due(sent):
        yield f"{where}: costs {sent.bill}, due is {_due(sent)}"
    if not _marked(call, sent, entry):
        yield f"{where}: partial is {sent.partial}, {entry.ended}, left is {call.left}"


def _marked(call: Call, sent: Attempt, entry: Entry) -> bool:
    """Whether a stream is partial exactly where it did not end whole, as far as it was seen.

    A completion has no last event: that one was ended too early can't be seen.
    """
    if not entry.stream or entry.status != 200 or entry.path != "/v1/messages":
        return True
    whole = entry.ended == "complete" and entry.error_type is None
    if call.left:
        return sent.partial or (whole and sent.used == served(entry.reported_usage))
    return sent.partial != whole


def _due(sent: Attempt) -> tuple[object, set[str]]:
    bill = billed(sent.used, sent.model)
    return bill.usd, set(bill.unpriced)


def _traced(call: Call, trace: TracedCall) -> Iterator[str]:
    """Spans against `/requests`."""
    where = call.conversation
    if trace.status != call.status:
        yield f"{where}: status {call.status}, on its span {trace.status}"
    if trace.usd != (None if call.usd is None else float(call.usd)):
        yield f"{where}: costs {call.usd}, on its span {trace.usd}"
    if trace.unpriced != call.unpriced:
        yield f"{where}: unpriced {call.unpriced}, on its span {trace.unpriced}"
    answer = _answer(call)
    if answer is not None and trace.used != answer.used:
        yield f"{where}: the answer used {answer.used}, its span tells {trace.used}"
    told = [(s.request_id, s.status, s.key, s.used, s.usd) for s in trace.attempts]
    listed = [
        (s.request_id, s.status, s.key, s.used, None if s.bill.usd is None else float(s.bill.usd))
        for s in call.attempts
    ]
    if told != listed:
        yield f"{where}: attempts {listed}, on spans {told}"


def _answer(call: Call) -> Attempt | None:
    """The attempt that gave the answer; the last one, where nobody did or who did has no name."""
    named = [
        sent for sent in call.attempts if call.request_id is not None and sent.request_id == call.request_id
    ]
    return next(iter(named or call.attempts[-1:]), None)


def _unseen(books: Books) -> Iterator[str]:
    """What the API served and no attempt tells of: only what an app was gone from before its head came."""
    seen = {sent.request_id for call in books.calls.values() for sent in call.attempts}
    for request_id, entry in books.entries.items():
        call = books.calls.get(dict(entry.headers).get(CONVERSATION, ""))
        if request_id not in seen and entry.status is not None and not (call and call.left):
            yield f"{request_id}: served {entry.status}, {entry.ended}, and nobody tells of it"


def _counted(books: Books) -> Iterator[str]:
    """Metrics against the sums over `/requests`."""
    for name, sums in summed(books.calls.values()).items():
        counted = books.metrics.get(name, {})
        for place in sorted(sums.keys() | counted.keys()):
            if sums.get(place) != counted.get(place):
                yield f"{name}{place}: {counted.get(place)} counted, {sums.get(place)} in /requests"
