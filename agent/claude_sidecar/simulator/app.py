"""The simulator: a server that takes each call through rules, checks and endpoint to the wire."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary

from aiohttp import web

from claude_sidecar.simulator import admin, body, routes, trial, validate, wire_faults
from claude_sidecar.simulator.answer import Answer, Body
from claude_sidecar.simulator.buckets import Accounts
from claude_sidecar.simulator.call import Call
from claude_sidecar.simulator.clockwork import Clock, token
from claude_sidecar.simulator.deliver import Delivery
from claude_sidecar.simulator.errors import ApiError
from claude_sidecar.simulator.faults import Facts, RuleBook
from claude_sidecar.simulator.heads import request_id_of
from claude_sidecar.simulator.keys import KeyRing
from claude_sidecar.simulator.ledger import Entry, Ledger
from claude_sidecar.simulator.models import Models
from claude_sidecar.simulator.rule import Rule
from claude_sidecar.simulator.scenario import Scenario
from claude_sidecar.simulator.state import State
from claude_sidecar.simulator.wire import Gone, Wire, Written

_log = logging.getLogger(__name__)
_LINE_LIMIT = 128 * 1024
_NAME_LIMIT = 200


class Simulator:
    """A simulated Claude API for one process or test.

    *seed* goes before the scenario's. *wall* gives Unix seconds, for headers and time stamps.

        async with Simulator(scenario).running() as base_url:
            ...
    """

    def __init__(
        self, scenario: Scenario | None = None, seed: int | None = None, wall: Callable[[], float] = time.time
    ) -> None:
        self.scenario = scenario or Scenario()
        self.base_url = ""
        self.ledger = Ledger(self.scenario.ledger_size)
        self._seed = seed
        self._wall = wall
        self._calls = 0
        self._connections: WeakKeyDictionary[object, int] = WeakKeyDictionary()
        self._connected = 0
        self._active: set[asyncio.Task[object]] = set()
        self._state: State
        self._rules: RuleBook
        self._rules_since = 0.0

    @property
    def seed(self) -> int:
        """The seed in force."""
        return self.scenario.seed if self._seed is None else self._seed

    @asynccontextmanager
    async def running(self, port: int = 0, host: str = "127.0.0.1") -> AsyncIterator[str]:
        """Serve on *host* and *port* (0: any free one) for as long as the block lasts; gives the base URL.

        Raises `OSError` where the port cannot be had.
        """
        server = web.Server(
            self._handle,
            handler_cancellation=True,
            auto_decompress=False,
            access_log=None,
            max_line_size=_LINE_LIMIT,
            max_field_size=_LINE_LIMIT,
            max_headers=1000,
            lingering_time=1.0,
        )
        runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await runner.setup()
        # Whole before the port opens: the first connection may come before `start` returns.
        keys, models = KeyRing(self.scenario), Models(self.scenario.models)
        self._state = State(self.scenario, self.seed, Clock(self._wall), "", keys, models)
        self._rules = RuleBook(self.scenario.rules, self.seed)
        try:
            await web.TCPSite(runner, host, port, backlog=1024).start()
            bound = runner.addresses[0][1]
            self.base_url = f"http://{f'[{host}]' if ':' in host else host or 'localhost'}:{bound}"
            self._state.origin = self.base_url
            yield self.base_url
        finally:
            for task in self._active:
                task.cancel()
            await runner.cleanup()

    def use(self, scenario: Scenario) -> None:
        """Put a scenario in force from the next call on: windows, counts and rate limits begin anew.

        Files, batches, the prompt cache and the ledger stay; a new `ledger_size` has no effect.
        """
        self.scenario = scenario
        state = self._state
        state.scenario, state.seed = scenario, self.seed
        state.keys, state.models, state.accounts = KeyRing(scenario), Models(scenario.models), Accounts()
        self._rules = RuleBook(scenario.rules, self.seed)
        self._rules_since = state.clock.now()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path.startswith("/_simulator/"):
            return await admin.handle(self, request)
        call = self._call_for(request)
        task = asyncio.current_task()
        assert task is not None
        self._active.add(task)
        began = self._state.clock.now()
        try:
            return await self._serve(call)
        except Gone:
            call.wire.keep = False
            call.left()
            return call.wire.done()
        except asyncio.CancelledError:
            call.left()
            raise
        except Exception:
            # A 500 would pass for one that the scenario asked for, and hide a fault of ours.
            _log.exception("simulator_failed")
            await call.wire.close()
            call.entry.ended = "cut"
            return call.wire.done()
        finally:
            self._active.discard(task)
            call.entry.seconds = round(self._state.clock.now() - began, 6)
            call.entry.response_bytes = call.wire.sent
            if call.account is not None:
                call.account.output.bucket.take(call.entry.output_tokens_produced, self._state.clock.now())
            self.ledger.add(call.entry)

    def _call_for(self, request: web.BaseRequest) -> Call:
        self._calls += 1
        n = self._calls
        headers = tuple(
            (name.decode("latin-1"), value.decode("utf-8", "surrogateescape"))
            for name, value in request.raw_headers
        )
        transport = request.transport
        reused = transport in self._connections
        if transport is not None and not reused:
            self._connected += 1
            self._connections[transport] = self._connected
        recorded = self.scenario.record_headers
        entry = Entry(
            n=n,
            at=round(self._state.clock.now(), 6),
            connection=self._connections.get(transport, 0),
            reused=reused,
            method=request.method,
            path=request.rel_url.raw_path[:_NAME_LIMIT],
            query=request.rel_url.raw_query_string[:_NAME_LIMIT],
            key=self._state.keys.name_of(headers),
            header_names=[name for name, _ in headers],
            headers=[(name, value) for name, value in headers if name.lower() in recorded],
            retry_count=request.headers.get("x-stainless-retry-count"),
        )
        request_id = token("req_", self.seed, "request", n)
        return Call(n, request, Wire(request), entry, request_id, headers)

    async def _serve(self, call: Call) -> Written:
        try:
            await self._meet_rule(call)
            rule = call.rule
            if rule is not None and rule.delay:
                await asyncio.sleep(rule.delay)
            if rule is not None and await wire_faults.instead_of_answer(call, rule):
                return call.wire.done()
            answer = await self._answer(call)
        except ApiError as error:
            if not error.close:
                await body.drain(call)
            answer = wire_faults.error_body(error, call.request_id)
        call.entry.request_id = call.request_id
        await Delivery(call, self._state.clock, self.scenario, self.seed).answer(answer)
        return call.wire.done()

    async def _meet_rule(self, call: Call) -> None:
        """Read the body and find the rule, in the order in which the rule wants it."""
        if call.path != routes.UPLOAD or call.method != "POST":
            call.rule = self._rule_for(call, early=True)
            if call.rule is None:
                await self._read(call)
                call.rule = self._rule_for(call, early=False)
        else:
            call.rule = self._rule_for(call, early=True) or self._rule_for(call, early=False)
            call.upload = body.pieces(call)
            if call.rule is not None and not call.rule.early and call.rule.replaces:
                async for _ in call.upload:
                    pass
        call.request_id = request_id_of(call.rule, call.request_id)
        if call.rule is not None:
            call.entry.fault = call.rule.name or "rule"
            call.wire.keep = call.wire.keep and not call.rule.early

    async def _read(self, call: Call) -> None:
        raw = await body.whole(call)
        if raw:
            data = body.decoded(raw, call.header("content-encoding"), body.limit_for(call.path))
            call.document = body.document(data)
        if isinstance(call.document, dict):
            model = call.document.get("model")
            call.entry.model = model[:_NAME_LIMIT] if isinstance(model, str) else None
            call.entry.stream = call.document.get("stream") is True

    def _rule_for(self, call: Call, *, early: bool) -> Rule | None:
        asked, entry = call.header(trial.HEADER), call.entry
        if asked is not None:
            call_id = call.header(trial.ID_HEADER)
            rule = self._rules.find_trial(asked, call_id, stream=entry.stream, early=early)
            if rule is not None:
                return rule
        facts = Facts(entry.key, entry.model or "", entry.path, entry.method, entry.stream, entry.reused)
        since = self._state.clock.now() - self._rules_since
        return self._rules.find(facts, since, early=early)

    async def _answer(self, call: Call) -> Answer:
        rule = call.rule
        if rule is not None and rule.answers:
            return wire_faults.scripted_body(rule, call.request_id)
        if call.path == "/api/hello":
            return Body.json({"message": "hello"})
        endpoint = routes.find(call)
        call.caller = self._state.keys.admit(call.headers)
        validate.version(call.header("anthropic-version"))
        validate.betas(call.header_lines("anthropic-beta"))
        return await endpoint(self._state)
