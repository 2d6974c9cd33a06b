"""The log line of clients that repeat what they were told not to: seldom, since they do it often."""

import logging

from claude_sidecar.hints.clients import client_named
from claude_sidecar.telemetry import names
from claude_sidecar.telemetry.log import event
from claude_sidecar.telemetry.record import CallRecord

logger = logging.getLogger("claude_sidecar.calls")

_QUIET_S = 60.0


class BlindRepeatLog:
    """Writes one line a minute at most for each kind of client, with how many repeats came since the last."""

    def __init__(self) -> None:
        self._last_s: dict[str, float] = {}
        self._since: dict[str, int] = {}

    def call_ended(self, record: CallRecord, client: str) -> None:
        """Tell of a call that is such a repeat, if its client has been quiet for a minute."""
        repeats = self._since[client] = self._since.get(client, 0) + 1
        last_s = self._last_s.get(client)
        if last_s is not None and record.ended_s - last_s < _QUIET_S:
            return
        self._last_s[client], self._since[client] = record.ended_s, 0
        event(
            logger,
            logging.WARNING,
            names.LOG_BLIND_REPEAT,
            call_id=record.call_id,
            client=client,
            key=record.key,
            model=record.request.model,
            sdk_retry_count=record.request.sdk_retry_count,
            repeats=repeats,
            do=client_named(client, counted=record.request.sdk_retry_count > 0).stop,
        )
