"""The caller's side of a call that is silent: it is opened in time, and pinged where nothing is sent."""

import asyncio
from typing import Protocol

from claude_sidecar import clock
from claude_sidecar.policy.holding import Opening
from claude_sidecar.proxy.attempt import Response
from claude_sidecar.proxy.downstream import CallerGone, Downstream
from claude_sidecar.proxy.event_view import EventView
from claude_sidecar.proxy.response_head import opening_lines, our_lines
from claude_sidecar.telemetry.record import ResponseRecord


class Held(Protocol):
    """A stream that is held back."""

    response: Response

    @property
    def may_open(self) -> bool:
        """Whether events of ours could follow its head."""

    @property
    def has_begun(self) -> bool:
        """Whether more than its head has come."""

    def opened(self) -> None:
        """Its head is with the caller."""


class Opener:
    """Opens one call and keeps it alive, on one timer handle.

    The timer is not set anew for what is sent or held: when it fires too early it is set for the rest.
    head: what the caller has been told, None while the call is not open.
    """

    __slots__ = (
        "_down",
        "_fires_at_s",
        "_first_held_s",
        "_held",
        "_loop",
        "_opening",
        "_relayed",
        "_timer",
        "head",
    )

    def __init__(self, down: Downstream, opening: Opening) -> None:
        self._down = down
        self._opening = opening
        self.head: ResponseRecord | None = None
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        # Not asked of the handle: uvloop's has no `when` for what is due within half a millisecond.
        self._fires_at_s = 0.0
        self._held: Held | None = None
        self._first_held_s: float | None = None
        self._relayed: EventView | None = None

    def hold(self, held: Held) -> None:
        """A stream is held from now on."""
        self._held = held
        if self._first_held_s is None:
            self._first_held_s = clock.now()
        self.look()

    def let_go(self) -> None:
        """Nothing is held any more; what is open stays open, and is pinged between attempts too."""
        self._held = None
        if self.head is None:
            self.close()

    def relay(self, view: EventView) -> None:
        """A stream is committed: from now on its own events go to the caller."""
        self._relayed = view
        self.look()

    def look(self) -> None:
        """Take into account what has changed of the stream that is held."""
        due = self._due()
        if due is not None and self._timer is not None and self._fires_at_s <= due:
            return
        self.close()
        if due is not None:
            self._arm(due)

    def _arm(self, at_s: float) -> None:
        self._fires_at_s = at_s
        self._timer = self._loop.call_at(at_s, self._fire)

    def close(self) -> None:
        """Nothing more is done."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> float | None:
        if self._relayed is not None or self.head is not None:
            after_s = self._opening.ping_after_s(committed=self._relayed is not None)
            return self._down.sent_at + after_s if after_s is not None else None
        held = self._held
        if held is None or not held.may_open or self._first_held_s is None:
            return None
        return self._opening.opens_at(self._first_held_s, has_begun=held.has_begun)

    def _fire(self) -> None:
        self._timer = None
        due = self._due()
        if due is None:
            return
        now = clock.now()
        if now + clock.GRAIN_S < due:
            self._arm(due)
            return
        try:
            self._act()
        except CallerGone:
            return  # the server cancels the call
        after_s = self._opening.ping_after_s(committed=self._relayed is not None)
        if after_s is not None and not self._down.ended:
            self._arm(now + after_s)

    def _act(self) -> None:
        if self._relayed is not None:
            if self._relayed.takes_pings:
                self._down.ping()
        elif self.head is not None:
            self._down.ping()
        elif self._held is not None:
            self._open(self._held)

    def _open(self, held: Held) -> None:
        response = held.response
        head = ResponseRecord(
            attempt=response.number,
            route=response.candidate.route,
            status=200,
            request_id=response.request_id,
        )
        lines = opening_lines(
            response.headers, our_lines(head, response.number, response.candidate.substitute)
        )
        self._down.start(200, response.reason, lines, b"", sized=False, last=False)
        self.head = head
        held.opened()
