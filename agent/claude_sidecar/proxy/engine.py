"""The loop that carries out what the policy decides for one call, and nothing else."""

import asyncio

from claude_sidecar import clock
from claude_sidecar.credentials.store import CredentialStore
from claude_sidecar.policy.actions import Deliver, GiveUp, Send, Wait
from claude_sidecar.policy.budget import Turn
from claude_sidecar.policy.call_state import CallState
from claude_sidecar.policy.decide import because, end_of_success, has_next_route, next_step
from claude_sidecar.policy.moment import HealthView
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.reasons import StopReason
from claude_sidecar.policy.routing import Candidate, plan
from claude_sidecar.policy.x_should_retry import stops_the_sdk
from claude_sidecar.providers.secret import Secret
from claude_sidecar.proxy.attempt import Attempt
from claude_sidecar.proxy.attempt_sender import AttemptSender
from claude_sidecar.proxy.call_context import CallContext, Delivery
from claude_sidecar.proxy.health import Health, LearntLimits
from claude_sidecar.schema.snapshot import Route
from claude_sidecar.telemetry.attempts import FallbackRecord, WaitRecord
from claude_sidecar.upstream.out_of_files import OutOfFiles
from claude_sidecar.wire.credential import CredentialKind

_STEPS_MOST = 64
"""Ten sends and as many waits are the most a policy allows; more would be a bug."""


class Engine:
    """Runs calls: asks the decision, waits, sends, keeps the shared health up to date."""

    def __init__(self, sender: AttemptSender, health: Health, credentials: CredentialStore) -> None:
        self._sender = sender
        self._health = health
        self._credentials = credentials

    async def run(self, context: CallContext) -> Delivery:
        """Carry a call to its response; cancelling it lets go of everything upstream."""
        facts = context.facts
        state = CallState(context.snapshot, facts, plan(context.snapshot, facts))
        turn: Turn | None = None
        if facts.repeatable:
            self._health.budget.call(clock.now())
        try:
            for _ in range(_STEPS_MOST):
                now = clock.now()
                view = self._health.view(state, self._missing(context, state.candidates), now)
                step = next_step(state, view, now, clock.chance())
                match step:
                    case Wait():
                        state, turn = await self._wait(context, state, step, now)
                    case Send():
                        if turn is not None or step.spends_budget:
                            self._spend(state, step, turn, now)
                            turn = None
                        state = await self._send(context, state, step, view, now)
                        if (end := end_of_success(state)) is not None:
                            return _delivery(context, state, end)
                    case Deliver() | GiveUp():
                        return _delivery(context, state, step)
        except OutOfFiles:
            if state.response is None:
                raise
            return _delivery(context, state, Deliver(state.response, StopReason.OUT_OF_FILES))
        except BaseException:
            _close(context, state.response)
            raise
        finally:
            if turn is not None:
                self._health.budget.give_back(turn)
        raise RuntimeError("the decision did not end")

    async def _wait(
        self, context: CallContext, state: CallState, step: Wait, now: float
    ) -> tuple[CallState, Turn | None]:
        """A pause, and what it was in the end: a turn in the budget may come earlier than foreseen.

        The turn that has come is to be spent on an attempt, or given back if none follows.
        """
        turn: Turn | None = None
        try:
            if step.turn_from_s is not None:
                turn = self._health.reserve(state, step.candidate, step.turn_from_s, now)
                await _come(turn, self._health)
            elif step.seconds > 0:
                await clock.sleep(step.seconds)
        finally:
            waited_s = clock.now() - now
            if step.seconds > 0:
                why = step.why.name, because(step, state)
                context.waits.append(WaitRecord(now, waited_s, step.reason, *why))
        return state.waited(step, waited_s), turn

    def _spend(self, state: CallState, step: Send, turn: Turn | None, now: float) -> None:
        """Take the turn that an attempt needs: the one that was waited for, or one of this moment."""
        if step.spends_budget:
            turn = self._health.reserve(state, step.candidate, now, now)
        if turn is not None:
            self._health.budget.take(turn)

    async def _send(
        self, context: CallContext, state: CallState, step: Send, health: HealthView, now: float
    ) -> CallState:
        candidate, said = state.candidates[step.candidate], because(step, state)
        moves = len(context.fallbacks)
        if state.last_attempt is not None:
            _note_move(context, state, state.candidates[state.last_attempt.candidate], candidate, now)
        state = state.attempting(step)
        self._health.sent(context.snapshot, candidate, state.facts.circuit, now)
        outcome: Outcome | None = None
        try:
            outcome = await self._sender.send(
                context,
                candidate,
                self._credential(context.snapshot.routes[candidate.route_index]),
                step,
                because=said,
                leaves_without_delta=_leaves(context, state, health, now),
            )
        except OutOfFiles:
            del context.fallbacks[moves:]  # nothing was sent there
            raise
        finally:
            self._health.ended(context.snapshot, candidate, state.facts.circuit, outcome, clock.now())
        self._learn(context, context.attempts[-1], outcome)
        if context.opened:
            state = state.opening()
        after = state.after(outcome, clock.now())
        for superseded in (state.response, outcome):
            if superseded is not after.response and superseded is not after.deciding:
                _close(context, superseded)
        return after

    def _learn(self, context: CallContext, attempt: Attempt, outcome: Outcome) -> None:
        response = context.response_of(outcome)
        unix_s = clock.unix_ns() / 1e9
        # Counting has a limit of its own, which says nothing of what calls may send.
        learns = context.snapshot.pacing.learns and context.call.facts.operation != "count_tokens"
        if response is not None and learns and attempt.provider.names_limits(response.index):
            limits = LearntLimits(attempt.provider, response.headers, unix_s)
            self._health.learn_limits(attempt.route, attempt.candidate.model, limits)
        if outcome.cause is not None:
            self._health.learn_error(attempt.route, outcome.cause, outcome.status, attempt.error_type, unix_s)

    def _credential(self, route: Route) -> Secret | None:
        if route.credential is None:
            return None
        secret = self._credentials.secret(route.credential)
        assert secret is not None  # decided in this same turn of the loop, in which none is lost
        return secret

    def _missing(self, context: CallContext, candidates: tuple[Candidate, ...]) -> frozenset[int]:
        """Candidates without a credential to send; a placeholder is none."""
        placeholder = CredentialKind.PLACEHOLDER in [found.kind for found in context.call.credentials]
        missing = []
        for index, candidate in enumerate(candidates):
            ref = context.snapshot.routes[candidate.route_index].credential
            if placeholder if ref is None else self._credentials.secret(ref) is None:
                missing.append(index)
        return frozenset(missing) if missing else _NONE_MISSING


async def _come(turn: Turn, health: Health) -> None:
    """Sleep until a turn has come; given up on the way, it goes to others."""
    moved = asyncio.Event()
    turn.moved = moved.set
    try:
        while (left_s := turn.at_s - clock.now()) > clock.GRAIN_S:
            moved.clear()
            await clock.sleep_until_woken(left_s, moved)
    except BaseException:
        health.budget.give_back(turn)
        raise


_NONE_MISSING: frozenset[int] = frozenset()


def _leaves(context: CallContext, state: CallState, health: HealthView, now: float) -> bool:
    """Whether `timeouts.firstDelta` holds for the attempt under way: the call has somewhere else to go."""
    asked = context.streams and context.snapshot.timeouts.first_delta_s > 0
    return asked and has_next_route(state, health, now)


def _note_move(
    context: CallContext, state: CallState, previous: Candidate, candidate: Candidate, now: float
) -> None:
    failure = state.deciding
    if previous != candidate and failure is not None and failure.cause is not None:
        context.fallbacks.append(FallbackRecord(now, previous.route, candidate.route, failure.cause))


def _delivery(context: CallContext, state: CallState, step: Deliver | GiveUp) -> Delivery:
    response = context.response_of(step.outcome) if isinstance(step, Deliver) else None
    stops = stops_the_sdk(step, context.snapshot)
    return Delivery(step, response, state.candidates, stops, state.cuts.futile_s, because(step, state))


def _close(context: CallContext, outcome: Outcome | None) -> None:
    response = context.response_of(outcome) if outcome is not None else None
    if response is not None:
        response.close()
