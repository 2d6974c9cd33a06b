"""One call on its way through the simulator."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from claude_sidecar.simulator.buckets import Account
from claude_sidecar.simulator.keys import Caller
from claude_sidecar.simulator.ledger import Entry
from claude_sidecar.simulator.rule import Rule
from claude_sidecar.simulator.wire import Wire


@dataclass(slots=True)
class Call:
    """A request with what has been found out about it; *document* is its JSON body, if it has one.

    *upload* is the body of a call whose body is not read ahead.
    """

    n: int
    request: web.BaseRequest
    wire: Wire
    entry: Entry
    request_id: str
    headers: tuple[tuple[str, str], ...]
    rule: Rule | None = None
    document: Any = None
    upload: AsyncIterator[bytes] | None = None
    caller: Caller | None = None
    account: Account | None = None

    def left(self) -> None:
        """Note that the caller went away, unless a fault had ended the answer before."""
        if self.entry.ended == "complete":
            self.entry.ended = "caller_left"

    @property
    def path(self) -> str:
        """The path without the query."""
        return self.entry.path

    @property
    def method(self) -> str:
        """The method, with HEAD treated as the GET that it is like."""
        return "GET" if self.request.method == "HEAD" else self.request.method

    def header(self, name: str) -> str | None:
        """The first value of a request header."""
        return next((value for given, value in self.headers if given.lower() == name), None)

    def header_lines(self, name: str) -> list[str]:
        """Every value of a request header."""
        return [value for given, value in self.headers if given.lower() == name]

    def query(self, name: str) -> str | None:
        """The first value of a query parameter."""
        value = self.request.url.query.get(name)
        return None if value is None else str(value)

    @property
    def takes_gzip(self) -> bool:
        """Whether the caller allows gzip in the answer."""
        codings = ",".join(self.header_lines("accept-encoding")).lower().split(",")
        weights = dict(coding.strip().partition(";")[::2] for coding in codings)
        return "gzip" in weights and weights["gzip"].replace(" ", "") not in ("q=0", "q=0.0")
