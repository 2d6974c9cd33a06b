"""Counts of all calls over five minutes, an hour and since the start, by what tells calls apart.

What is counted of a call goes into one tally, found by the call's names; tallies are added up by each name
when a minute ends or somebody asks. So a call costs one look-up, and not one for each dimension. Minutes that
are over are kept packed, as bytes, later in fives, and in the end as one sheet: few rows, few objects, a size
that is known.

Windows are cut by the event loop's clock: a wall clock that is set moves the labels of minutes and no call.
"""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from claude_sidecar.telemetry.attempts import AttemptRecord
from claude_sidecar.telemetry.met import WRONG_MODEL, met_in
from claude_sidecar.telemetry.names import NONE, OPERATION_COUNT_TOKENS
from claude_sidecar.telemetry.packing import Packing
from claude_sidecar.telemetry.record import CallRecord
from claude_sidecar.telemetry.sheet import Sheet
from claude_sidecar.telemetry.tally import Tally

MINUTE_S = 60.0
HOUR_MINUTES = 60
_RECENT_MINUTES = 5
_MOST_TALLIES = 128
_ROW_BYTES = 800
"""Of a row or tally that is not packed, its name included."""

_packing = Packing(Sheet)

_Place = tuple[str, str | None, int | None, str, str, str]
"""Key, model, status, route, feature, conversation."""


class Minute(NamedTuple):
    """One minute in figures. number: counted by the loop's clock."""

    number: int
    calls: int
    failed: int
    cured: int


class Windows(NamedTuple):
    """The last five minutes, the last hour, and all since the start; and the hour's minutes, oldest first.

    The running minute counts as one of the five, the running five minutes as five of the hour's sixty.
    """

    recent: Sheet
    hour: Sheet
    all: Sheet
    minutes: list[Minute]


class _Packed(NamedTuple):
    """A sheet as bytes. first: the number of its first minute."""

    first: int
    sheet: bytes


class Rollups:
    """Counts calls as they end; for one thread."""

    def __init__(self) -> None:
        self._tallies: dict[_Place, Tally] = {}
        self._sheet = Sheet()
        self._minute = -1
        self._ends_s = 0.0
        self._minutes: deque[_Packed] = deque()
        self._fives: deque[_Packed] = deque()
        self._before = _packing.pack(Sheet())
        self._series: deque[Minute] = deque(maxlen=HOUR_MINUTES)

    def call_ended(self, record: CallRecord) -> None:
        """Count a call that has ended."""
        if record.ended_s >= self._ends_s or len(self._tallies) >= _MOST_TALLIES:
            self._turn(record.ended_s)
        request, response, key = record.request, record.response, record.key
        route, attempts, cancelled = response.route, record.attempts, record.cancelled
        tally = self._tally(
            (key, request.model, response.status, route, request.feature, request.conversation)
        )
        tally.calls += 1
        failed = record.has_failed
        if failed:
            tally.failed += 1
        for attempt in attempts:
            if attempt.route == route and attempt.key == key and attempt.substitute is None:
                _use(tally, record, attempt)
            else:
                self._use_elsewhere(record, attempt)
        if failed or cancelled or len(attempts) > 1 or request.blind_repeat is not None:
            self._noteworthy(record, tally, failed)

    def model_mismatch(self, record: CallRecord) -> None:
        """Count a response that names another model than the one meant."""
        met = self._sheet.meet(WRONG_MODEL, "model", record.request.model or NONE)
        met.calls += 1
        met.detail = record.wrong_model or ""

    def read(self, now: float) -> Windows:
        """What has been counted; now: on the loop's clock."""
        self._turn(now)
        self._add_up()
        recent, hour, everything = Sheet(), Sheet(), Sheet()
        older = [packed for packed in self._minutes if packed.first <= self._minute - _RECENT_MINUTES]
        for packed in list(self._minutes)[len(older) :]:
            recent.add(_packing.unpack(packed.sheet))
        recent.add(self._sheet)
        for packed in (*self._fives, *older):
            hour.add(_packing.unpack(packed.sheet))
        hour.add(recent)
        everything.add(_packing.unpack(self._before))
        everything.add(hour)
        for sheet in (recent, hour, everything):
            sheet.trim()
        return Windows(recent, hour, everything, self._last_minutes())

    @property
    def bytes(self) -> int:
        """What all this takes, in bytes."""
        packed = sum(len(each.sheet) for each in (*self._minutes, *self._fives)) + len(self._before)
        return packed + _ROW_BYTES * (len(self._tallies) + self._sheet.rows)

    def _tally(self, place: _Place) -> Tally:
        found = self._tallies.get(place)
        if found is None:
            found = self._tallies[place] = Tally()
        return found

    def _add_up(self) -> None:
        """Count by each name what was counted by all names together."""
        for (key, model, status, route, feature, conversation), tally in self._tallies.items():
            names = {"key": key, "model": model or NONE, "status": _status(status), "route": route}
            if feature:
                names["feature"] = feature
            if conversation:
                names["conversation"] = conversation
            self._sheet.count(tally, names)
        self._tallies.clear()

    def _use_elsewhere(self, record: CallRecord, attempt: AttemptRecord) -> None:
        """Count an attempt with the key, route and model that were its own, not those the call ended with."""
        request, status = record.request, record.response.status
        model = _model_of(record, attempt)
        place = (attempt.key, model, status, attempt.route, request.feature, request.conversation)
        _use(self._tally(place), record, attempt)

    def _noteworthy(self, record: CallRecord, tally: Tally, failed: bool) -> None:
        if record.cancelled:
            tally.left += 1
        elif not failed and any(attempt.cause is not None for attempt in record.attempts):
            tally.cured += 1
        for wait in record.waits:
            tally.waited_s += wait.seconds
        for (what, dimension, name), is_end in met_in(record).items():
            met = self._sheet.meet(what, dimension, name)
            met.calls += 1
            met.failed += is_end
        for dimension, name in _passed_by(record):
            self._sheet.row(dimension, name).moved_on += 1

    def _turn(self, now: float) -> None:
        """Add up what was counted; close the minute if it is over. A clock that goes back changes nothing."""
        self._add_up()
        minute = int(now // MINUTE_S)
        if minute <= self._minute:
            return
        if self._sheet.rows:
            self._close()
        self._minute, self._ends_s = minute, (minute + 1) * MINUTE_S
        self._gather_fives()

    def _close(self) -> None:
        """Keep the running minute's sheet packed, and begin a new one."""
        total = self._sheet.total
        self._series.append(Minute(self._minute, total.calls, total.failed, total.cured))
        self._sheet.trim()
        self._minutes.append(_Packed(self._minute, _packing.pack(self._sheet)))
        self._sheet = Sheet()

    def _gather_fives(self) -> None:
        """Join minutes of which none is recent, five by five, and count what is older than an hour to the
        rest."""
        recent, hour = self._minute - _RECENT_MINUTES, self._minute - HOUR_MINUTES
        while self._minutes and (five := _five_of(self._minutes[0].first)) + 4 <= recent:
            joined = Sheet()
            while self._minutes and _five_of(self._minutes[0].first) == five:
                joined.add(_packing.unpack(self._minutes.popleft().sheet))
            joined.trim()
            self._fives.append(_Packed(five, _packing.pack(joined)))
        while self._fives and self._fives[0].first <= hour:
            before = _packing.unpack(self._before)
            before.add(_packing.unpack(self._fives.popleft().sheet))
            before.trim()
            self._before = _packing.pack(before)

    def _last_minutes(self) -> list[Minute]:
        total = self._sheet.total
        known = {minute.number: minute for minute in self._series}
        known[self._minute] = Minute(self._minute, total.calls, total.failed, total.cured)
        first = self._minute - HOUR_MINUTES + 1
        return [known.get(number, Minute(number, 0, 0, 0)) for number in range(first, self._minute + 1)]


def _use(tally: Tally, record: CallRecord, attempt: AttemptRecord) -> None:
    tally.attempts += 1
    if record.request.operation != OPERATION_COUNT_TOKENS:
        # What is counted there is not used.
        tally.use(attempt)


def _model_of(record: CallRecord, attempt: AttemptRecord) -> str | None:
    """The callers' name of the model that an attempt asked for."""
    return attempt.substitute or record.request.model


def _passed_by(record: CallRecord) -> Iterator[tuple[str, str]]:
    """Keys, routes and models that were tried in a call, and are not those that it ended with."""
    attempts = record.attempts
    yield from (("key", key) for key in {attempt.key for attempt in attempts} - {record.key})
    yield from (("route", route) for route in {each.route for each in attempts} - {record.response.route})
    yield from (("model", each) for each in {each.substitute for each in attempts} if each is not None)


def _five_of(minute: int) -> int:
    """The first of the five minutes that a minute belongs to."""
    return minute - minute % 5


def _status(status: int | None) -> str:
    return NONE if status is None else str(status)
