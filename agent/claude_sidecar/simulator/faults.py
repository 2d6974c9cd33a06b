"""Which rule a call meets: counts, windows, dice and the `x-simulate` header."""

from collections import OrderedDict
from dataclasses import dataclass

from claude_sidecar.simulator import trial
from claude_sidecar.simulator.clockwork import chance
from claude_sidecar.simulator.rule import Rule

_TRIALS_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules may look at; *model* and *stream* are empty before the body was read."""

    key: str
    model: str
    path: str
    method: str
    stream: bool
    reused: bool


class RuleBook:
    """The rules of a scenario and how often each was met.

    The first rule in order that a call meets is the one; rules that have happened *times* times are
    passed over. The dice of a rule depend on the seed and on how many calls it has seen.
    """

    def __init__(self, rules: tuple[Rule, ...], seed: int) -> None:
        self._rules = rules
        self._seed = seed
        self._seen = [0] * len(rules)
        self._done = [0] * len(rules)
        self._trials: OrderedDict[str, int] = OrderedDict()

    def find(self, facts: Facts, now_s: float, *, early: bool) -> Rule | None:
        """The rule for a call at *now_s* seconds since the scenario began.

        *early* asks among the rules that answer before the body was read, otherwise among the others.
        """
        chosen: Rule | None = None
        for index, rule in enumerate(self._rules):
            if rule.early is not early or (rule.needs_stream and not facts.stream):
                continue
            if not rule.match.on(
                key=facts.key,
                model=facts.model,
                path=facts.path,
                method=facts.method,
                stream=facts.stream,
                reused=facts.reused,
            ):
                continue
            self._seen[index] += 1
            if chosen is None and self._happens(index, rule, now_s):
                self._done[index] += 1
                chosen = rule
        return chosen

    def find_trial(self, text: str, call_id: str | None, *, stream: bool, early: bool) -> Rule | None:
        """The rule in an `x-simulate` header, unless its *times* are used up for this *call_id*."""
        rule = trial.parse(text)
        if rule.early is not early or (rule.needs_stream and not stream):
            return None
        name = f"id {call_id}" if call_id is not None else f"text {text}"
        seen = self._trials.pop(name, 0) + 1
        self._trials[name] = seen
        if len(self._trials) > _TRIALS_KEPT:
            self._trials.popitem(last=False)
        if rule.times is not None and seen > rule.times:
            return None
        if rule.probability is not None and chance(self._seed, name, seen) >= rule.probability:
            return None
        return rule

    def _happens(self, index: int, rule: Rule, now_s: float) -> bool:
        seen = self._seen[index]
        if rule.times is not None and self._done[index] >= rule.times:
            return False
        if not rule.match.on_count(seen) or not rule.match.on_time(now_s):
            return False
        return rule.probability is None or chance(self._seed, "rule", index, seen) < rule.probability
