"""The scenes of the demo: what the upstream is told to do, what the app asks, what the policy promises."""

from dataclasses import dataclass

from claude_sidecar.demo.asked import Asked
from claude_sidecar.demo.promise import Promise
from claude_sidecar.simulator.rule import Match, Rule
from claude_sidecar.simulator.scenario import Key, Scenario, Timing

FIRST, SECOND = "anthropic", "second-org"
FIRST_KEY = "sk-ant-api03-demo-of-the-app"
SECOND_KEY = "sk-ant-api03-demo-of-the-second-organisation"
SECOND_KEY_VARIABLE = "SECOND_ORG_KEY"

POLICY = f"""\
apiVersion: claude-sidecar.dev/v1alpha1
kind: ClaudePolicy
metadata: {{name: demo, namespace: default}}
spec:
  routes:
    - name: {FIRST}
      endpoint: UPSTREAM
    - name: {SECOND}
      endpoint: UPSTREAM
      credential: {{env: {SECOND_KEY_VARIABLE}}}
  retry:
    maxAttempts: 6
    backoff: {{initial: 250ms, max: 2s}}
"""
"""The policy of the demo; UPSTREAM stands for the simulator's address."""

_JITTER_S = 0.25
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Scene:
    """rules: what the upstream does, else it answers well; the first route is meant by its key."""

    name: str
    asked: Asked
    promise: Promise
    rules: tuple[Rule, ...] = ()

    def scenario(self) -> Scenario:
        """The simulator's orders."""
        return api(self.rules)


def api(rules: tuple[Rule, ...] = (), *, strict: bool = True) -> Scenario:
    """A Claude API with two organisations, one key each, named like the routes that lead to them.

    strict: no other key is taken.
    """
    return Scenario(
        unknown_keys="refuse" if strict else "accept",
        keys=(Key(name=FIRST, key=FIRST_KEY), Key(name=SECOND, key=SECOND_KEY)),
        timing=Timing(first_token=0.05, tokens_per_second=500),
        rules=rules,
    )


ON_FIRST = Match(key=FIRST)

# A model for each group of scenes: breakers count by route and model, and none is to trip here.
SCENES = (
    Scene(
        "plain call",
        Asked("claude-sonnet-5"),
        Promise(f"{FIRST} 200", FIRST),
    ),
    Scene(
        "429 with retry-after: 1",
        Asked("claude-sonnet-5"),
        Promise(f"{FIRST} 429, {FIRST} 200", FIRST, waits_s=(0.99, 1.0 + _JITTER_S)),
        (Rule(match=Match(call=1), status=429, retry_after=1),),
    ),
    Scene(
        "529 on route one",
        Asked("claude-sonnet-5"),
        Promise(f"{FIRST} 529, {SECOND} 200", SECOND),
        (Rule(match=ON_FIRST, status=529),),
    ),
    Scene(
        "529 everywhere for 2 s",
        Asked("claude-opus-5"),
        # A machine that is busy may miss the beginning of the two seconds, but not their end.
        Promise(f"({FIRST} 529, {SECOND} 529, ){{1,2}}{FIRST} 200", FIRST, waits_s=(0.9, 2.5)),
        (Rule(match=Match(window=(0, 2)), status=529, retry_after=1),),
    ),
    Scene(
        "overload as first event",
        Asked("claude-opus-4-8", stream=True),
        Promise(f"{FIRST} 200 with overloaded_error as event 1, {SECOND} 200", SECOND, deltas=True),
        (Rule(match=ON_FIRST, error_at_event=0),),
    ),
    Scene(
        "cut before first delta",
        Asked("claude-opus-4-8", stream=True),
        Promise(f"{FIRST} 200 cut after 2 events, {SECOND} 200", SECOND, deltas=True),
        (Rule(match=ON_FIRST, truncate_at_event=2),),
    ),
    Scene(
        "cut after first delta",
        Asked("claude-opus-4-8", stream=True),
        Promise(
            f"{FIRST} 200 cut after 6 events", FIRST, error_type="gateway_stream_interrupted", deltas=True
        ),
        (Rule(match=ON_FIRST, truncate_at_event=6),),
    ),
    Scene(
        "API key in quotes",
        Asked("claude-sonnet-5", quoted_key=True),
        Promise(f"{FIRST} 401", FIRST, error_type="authentication_error", hint="quotes"),
    ),
    Scene(
        "model claude-opus-4.7",
        Asked("claude-opus-4.7"),
        Promise(f"{FIRST} 404", FIRST, error_type="not_found_error", hint="claude-opus-4-7"),
    ),
    Scene(
        "body of 34 MiB",
        Asked("claude-sonnet-5", prompt_bytes=34 * _MIB),
        Promise("", "none", error_type="gateway_request_too_large", hint="Files API"),
    ),
    Scene(
        "retry-after: 403973",
        Asked("claude-sonnet-5"),
        Promise(f"{FIRST} 429", FIRST, error_type="rate_limit_error"),
        (Rule(match=ON_FIRST, status=429, retry_after=403973),),
    ),
)
