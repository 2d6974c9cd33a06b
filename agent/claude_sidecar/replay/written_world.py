"""What sends meet in a written outage: each route a simulated API, by its own rules and rate limits."""

import asyncio
import math
from collections.abc import Mapping

from claude_sidecar import clock
from claude_sidecar.replay.answer import Answer
from claude_sidecar.replay.load import PATHS, Sent
from claude_sidecar.replay.scripted import answer_to, refused
from claude_sidecar.schema.snapshot import Snapshot
from claude_sidecar.simulator.buckets import Account
from claude_sidecar.simulator.clockwork import Clock
from claude_sidecar.simulator.errors import ApiError
from claude_sidecar.simulator.faults import Facts, RuleBook
from claude_sidecar.simulator.models import Models
from claude_sidecar.simulator.rule import Rule
from claude_sidecar.simulator.scenario import Limits, Scenario

PLACES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
"""How a file may call a policy's routes by their order; a name goes before a place."""

_COUNTING = "count_tokens"
_ANSWERS_KEPT = 10_000


class WrittenWorld:
    """scenarios: of the routes that the file names, by name or by place; well: what every other answers;
    snapshot: the policy's, whose routes they are."""

    def __init__(self, scenarios: Mapping[str, Scenario], well: Scenario, snapshot: Snapshot) -> None:
        began = Clock(lambda: clock.unix_ns() / 1e9)
        self._policy = snapshot.name
        self._named = {
            route.name: named
            for place, route in zip(PLACES, snapshot.routes, strict=False)
            for named in (place, route.name)
            if named in scenarios
        }
        self._missing = sorted(scenarios.keys() - self._named.values())
        self._routes = {
            route.name: _Route(scenarios.get(self._named.get(route.name, ""), well), began)
            for route in snapshot.routes
        }

    def answer(self, route: str, sent: Sent) -> Answer:
        """As World.answer."""
        return self._routes[route].answer(sent)

    def assumed(self) -> list[str]:
        """As World.assumed."""
        lines = [
            f"policy {self._policy}: route {name} "
            + (
                f"is the file's `{self._named[name]}`"
                if name in self._named
                else "is not in the file, so it is taken to be well all the time"
            )
            for name in self._routes
        ]
        lines += [f"policy {self._policy} has no route `{name}`: nothing meets it" for name in self._missing]
        return lines


class _Route:
    def __init__(self, scenario: Scenario, began: Clock) -> None:
        self._scenario = scenario
        self._clock = began
        self._rules = RuleBook(scenario.rules, scenario.seed)
        self._models = Models()
        self._limited = scenario.limits != Limits()
        self._accounts: dict[str, Account] = {}
        self._answers: dict[tuple[int, str | None, bool, str, int], Answer] = {}

    def answer(self, sent: Sent) -> Answer:
        call = sent.call
        path = PATHS[call.operation]
        facts = Facts("played", sent.model or "", path, "POST", call.stream, reused=False)
        rule = self._rules.find(facts, self._clock.now(), early=False)
        if not self._limited or (rule is not None and rule.replaces):
            return self._answer(sent, rule)
        account = self._account(sent)
        try:
            account.admit(0 if call.operation == _COUNTING else call.input_tokens, self._clock)
        except ApiError as error:
            return refused(error, rule)
        answer = self._answer(sent, rule)
        if call.operation != _COUNTING and answer.end_s < math.inf:
            tokens = self._scenario.answer.bounds[1] if rule is None else rule.output_tokens or 0
            asyncio.get_running_loop().call_later(answer.end_s, self._used, account, tokens)
        return answer

    def _used(self, account: Account, tokens: int) -> None:
        """Output is taken from its bucket once it has been given."""
        account.output.bucket.take(tokens, self._clock.now())

    def _answer(self, sent: Sent, rule: Rule | None) -> Answer:
        """Answers are values: calls that are alike meet the same one."""
        call = sent.call
        key = (id(rule), sent.model, call.stream, call.operation, call.input_tokens)
        answer = self._answers.get(key)
        if answer is None:
            answer = answer_to(call, sent.model, rule, self._scenario)
            if len(self._answers) < _ANSWERS_KEPT:
                self._answers[key] = answer
        return answer

    def _account(self, sent: Sent) -> Account:
        if sent.call.operation == _COUNTING:
            pool = _COUNTING
        else:
            model = self._models.find(sent.model or "")
            pool = model.pool if model is not None else sent.model or ""
        account = self._accounts.get(pool)
        if account is None:
            account = self._accounts[pool] = Account(self._scenario.limits)
        return account
