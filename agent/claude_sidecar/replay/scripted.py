"""A simulator's rule as the answer that a send meets: the same bytes at the same times, without sockets."""

import math
from collections.abc import Iterator, Sequence

from claude_sidecar.replay.answer import Answer, Piece, broken_after
from claude_sidecar.replay.load import AskedCall
from claude_sidecar.simulator import stream
from claude_sidecar.simulator.answer import PING, Body, Event
from claude_sidecar.simulator.deliver import EVENT_STREAM
from claude_sidecar.simulator.errors import MESSAGE_BY_STATUS, ApiError, envelope, type_for
from claude_sidecar.simulator.heads import lines_of
from claude_sidecar.simulator.prompt import Input
from claude_sidecar.simulator.reply import Reply, Shape, compose
from claude_sidecar.simulator.rule import Rule
from claude_sidecar.simulator.scenario import Scenario
from claude_sidecar.simulator.wire_faults import error_body, scripted_body

_REQUEST_ID = "req_played"
_PINGS_MOST = 1000
_PINGS_EVERY_S = 15.0
_LARGEST_ANSWER = 1_000_000


def answer_to(call: AskedCall, model: str | None, rule: Rule | None, scenario: Scenario) -> Answer:
    """What a call meets that a rule is for, or none is.

    model: as the route was asked for it.
    """
    rule = rule or Rule()
    if rule.reset or rule.close or rule.garbage:
        return broken_after(rule.delay)
    if rule.answers:
        return _whole(scripted_body(rule, _REQUEST_ID), rule, rule.delay)
    first_s, token_s = _pace(rule, scenario)
    begins_s = rule.delay + first_s
    if call.operation == "count_tokens":
        return _whole(Body.json({"input_tokens": call.input_tokens}), rule, rule.delay)
    reply = _reply(call, model, rule, scenario)
    if call.stream:
        timeline = _Timeline(begins_s, token_s, scenario.timing.ping_every, rule)
        return timeline.answer(stream.events(reply))
    return _whole(Body.json(reply.message()), rule, begins_s + token_s * reply.output_tokens)


def refused(error: ApiError, rule: Rule | None) -> Answer:
    """What a call meets that a rate limit does not admit."""
    return _whole(error_body(error, _REQUEST_ID), None, rule.delay if rule is not None else 0.0)


def _whole(body: Body, rule: Rule | None, comes_s: float) -> Answer:
    """A body that comes at once."""
    data, cut = body.data, rule.truncate_body_at if rule is not None else None
    lines = [("content-length", str(len(data))), ("request-id", _REQUEST_ID), *body.headers]
    if body.content_type is not None:
        lines.insert(0, ("content-type", body.content_type))
    dies = cut is not None and cut < len(data)
    return Answer(
        status=body.status,
        headers=_lines(lines, rule),
        head_s=comes_s,
        pieces=(Piece(comes_s, data[:cut], comes_s),) if data else (),
        end_s=comes_s,
        dies=dies,
    )


def _lines(lines: Sequence[tuple[str, str]], rule: Rule | None) -> tuple[tuple[bytes, bytes], ...]:
    """A rule's line takes the place of each of its name."""
    given = lines_of(rule)
    named = {name.lower() for name, _ in given}
    kept = [line for line in lines if line[0].lower() not in named]
    return tuple((name.encode("latin-1"), value.encode("utf-8")) for name, value in [*kept, *given])


def _pace(rule: Rule, scenario: Scenario) -> tuple[float, float]:
    """Seconds before the first token, and for each token."""
    timing = scenario.timing
    first_s = timing.first_token if rule.first_token is None else rule.first_token
    rate = timing.tokens_per_second if rule.tokens_per_second is None else rule.tokens_per_second
    return first_s, 1 / rate if rate else 0.0


def _reply(call: AskedCall, model: str | None, rule: Rule, scenario: Scenario) -> Reply:
    shape = Shape(
        output_tokens=rule.output_tokens or scenario.answer.bounds[1],
        tokens_per_event=rule.tokens_per_event or scenario.answer.tokens_per_event,
        text=rule.text or scenario.answer.text,
        stop_reason=rule.stop_reason,
        model=rule.answer_model,
    )
    body = {"max_tokens": _LARGEST_ANSWER, "messages": [{"role": "user", "content": ""}]}
    return compose(body, model or "", Input(call.input_tokens), shape, scenario.seed)


class _Timeline:
    """A stream's events in time. Those between which nothing depends on the time come as one piece."""

    def __init__(self, begins_s: float, token_s: float, ping_every_s: float, rule: Rule) -> None:
        self._rule = rule
        self._token_s = token_s
        self._ping_every_s = ping_every_s or _PINGS_EVERY_S
        self._begins_s = self._now_s = self._quiet_from_s = begins_s
        self._pieces: list[Piece] = []
        self._data: list[bytes] = []
        self._dies = self._has_delta = False

    def answer(self, events: Sequence[Event]) -> Answer:
        """The answer of which these are the events, with whatever the rule does to it."""
        for index, event in enumerate([*events, None]):
            if index == self._rule.stall_at_event and not self._stall():
                break
            if index == self._rule.error_at_event:
                self._take(_error_event(self._rule))
                break
            if index == self._rule.truncate_at_event:
                self._dies = self._rule.mode != "clean"
                break
            if event is not None:
                self._pass(event)
        self._close_piece()
        return Answer(
            headers=_lines([("content-type", EVENT_STREAM), ("request-id", _REQUEST_ID)], self._rule),
            head_s=self._begins_s,
            pieces=tuple(self._pieces),
            end_s=self._now_s,
            dies=self._dies,
        )

    def _pass(self, event: Event) -> None:
        """The first delta is a piece of its own: until then the stream is held."""
        seconds = event.tokens * self._token_s
        is_first = seconds > 0 and not self._has_delta
        if is_first:
            self._close_piece()
        if seconds > 0:
            self._quiet_from_s = self._now_s
            self._now_s += seconds
        if not (event.tokens and self._has_delta):
            self._take(event.data)  # of later deltas only their time counts
        if event.tokens:
            self._has_delta = True
        if is_first:
            self._close_piece()

    def _take(self, data: bytes) -> None:
        self._data.append(data)

    def _stall(self) -> bool:
        """A silence within the stream; False where nothing comes after it."""
        self._close_piece()
        stall_s = math.inf if self._rule.stall == "forever" else self._rule.stall
        for ping_s in self._pings(stall_s):
            self._pieces.append(Piece(ping_s, PING, ping_s - self._ping_every_s, pinged=True))
            self._quiet_from_s = ping_s
        self._now_s += stall_s
        return stall_s < math.inf

    def _pings(self, stall_s: float) -> Iterator[float]:
        if self._rule.pings:
            for number in range(1, _PINGS_MOST):
                if number * self._ping_every_s >= stall_s:
                    return
                yield self._now_s + number * self._ping_every_s

    def _close_piece(self) -> None:
        if self._data:
            self._pieces.append(Piece(self._now_s, b"".join(self._data), self._quiet_from_s))
            self._data.clear()
        self._quiet_from_s = self._now_s


def _error_event(rule: Rule) -> bytes:
    kind = rule.error_type or type_for(529)
    message = rule.message if rule.message is not None else MESSAGE_BY_STATUS.get(529, "Error")
    return b"event: error\ndata: %b\n\n" % envelope(kind, message, _REQUEST_ID, rule.error_code)
