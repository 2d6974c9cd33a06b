"""Outages written by hand: the load, and for each route the rules of a simulated API.

The rules are those of `claude-sidecar simulate --scenario` (docs/simulator.md), with what can't be played
taken out, so whoever knows one form knows the other.
"""

import heapq
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, field_validator, model_validator

from claude_sidecar.replay.load import AskedCall
from claude_sidecar.replay.outage import MOST_CALLS, Outage, OutageInvalid, World
from claude_sidecar.replay.written_world import WrittenWorld
from claude_sidecar.schema.snapshot import Snapshot
from claude_sidecar.simulator.rule import Count, Match, Rule, Seconds, Strict
from claude_sidecar.simulator.scenario import AnswerShape, Limits, Scenario, Timing
from claude_sidecar.simulator.scenario_file import ScenarioError, parse_as

VERSION = 1
BEGAN_UNIX_S = 1_800_000_000.0
"""A written outage has no date; one is needed where upstreams speak of times."""

_NOT_PLAYED = (
    "early",
    "body",
    "body_base64",
    "gzip",
    "endless_headers",
    "endless_body",
    "wrong_length",
)
_NOT_MATCHED = ("key", "path", "method", "reused")
_Rate = Annotated[float, Field(gt=0, le=10_000)]


class PlayedRule(Rule):
    """A rule of the simulator that can be played without sockets."""

    @model_validator(mode="after")
    def _can_be_played(self) -> Self:
        given = [name for name in _NOT_PLAYED if name in self.model_fields_set]
        given += [f"match.{name}" for name in _NOT_MATCHED if name in self.match.model_fields_set]
        if given:
            raise ValueError(f"{given[0]} is for `claude-sidecar simulate` and can't be played; leave it out")
        return self


class Load(Strict):
    """One stream of alike calls, evenly spaced. from, to: seconds; to: by default the outage's end."""

    calls_per_second: _Rate
    model: Annotated[str, Field(min_length=1, max_length=200)] = "claude-sonnet-4-6"
    stream: bool = False
    input_tokens: Count = 1000
    sdk_timeout: Annotated[float, Field(gt=0, le=86_400)] | None = None
    from_: Annotated[Seconds, Field(alias="from")] = 0.0
    to: Seconds | None = None


class WrittenRoute(Strict):
    """How one route behaves: the first rule that a send meets is obeyed; without one it is answered."""

    rules: tuple[PlayedRule, ...] = ()
    limits: Limits = Limits()
    timing: Timing | None = None
    answer: AnswerShape | None = None


class WrittenOutage(Strict):
    """The whole of a file. lasts: seconds; timing, answer: of routes that have none of their own."""

    version: Literal[1]
    about: Annotated[str, Field(max_length=500)] = ""
    lasts: Annotated[float, Field(gt=0, le=86_400)]
    load: Annotated[tuple[Load, ...], Field(min_length=1, max_length=100)]
    timing: Timing = Timing()
    answer: AnswerShape = AnswerShape(output_tokens=100)
    routes: Annotated[dict[str, WrittenRoute], Field(max_length=8)] = Field(default_factory=dict)

    @field_validator("version", mode="before")
    @classmethod
    def _known(cls, value: object) -> object:
        if value != VERSION or isinstance(value, bool):
            raise ValueError(f"{value!r} is not known; this claude-sidecar reads version {VERSION}")
        return value

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        count = sum(int(_span_s(self, load) * load.calls_per_second) + 1 for load in self.load)
        if all(_span_s(self, load) == 0 for load in self.load):
            raise ValueError("no call comes: each `from` is at the end or after it; raise lasts or to")
        if count > MOST_CALLS:
            raise ValueError(f"these are {count:,} calls; allowed are {MOST_CALLS:,}: lower calls_per_second")
        return self

    def scenario(self, route: WrittenRoute, seed: int) -> Scenario:
        """The simulated API that a route is, for `claude-sidecar simulate` too."""
        return Scenario(
            seed=seed,
            rules=route.rules,
            limits=route.limits,
            timing=route.timing or self.timing,
            answer=route.answer or self.answer,
        )


_PARTS: Mapping[str, type[BaseModel]] = {
    "load": Load,
    "routes": WrittenRoute,
    "rules": Rule,
    "match": Match,
    "limits": Limits,
    "timing": Timing,
    "answer": AnswerShape,
}


def parse_written(raw: bytes, source: str) -> WrittenOutage:
    """Read a file; source: what errors call it. Raises OutageInvalid."""
    try:
        return parse_as(WrittenOutage, _PARTS, raw, source)
    except ScenarioError as error:
        raise OutageInvalid(error.problems) from None


def outage_of(written: WrittenOutage) -> Outage:
    """What is played."""
    calls = tuple(heapq.merge(*[_calls(written, load) for load in written.load], key=lambda call: call.at_s))
    return Outage(
        about=written.about.strip() or "a written outage",
        began_unix_s=BEGAN_UNIX_S,
        lasts_s=written.lasts,
        calls=calls,
        world=partial(_world, written),
        known=(f"the file tells how {', '.join(sorted(written.routes)) or 'no route'} behaves",),
    )


def _world(written: WrittenOutage, seed: int, snapshot: Snapshot) -> World:
    scenarios = {name: written.scenario(route, seed) for name, route in written.routes.items()}
    return WrittenWorld(scenarios, written.scenario(WrittenRoute(), seed), snapshot)


def _calls(written: WrittenOutage, load: Load) -> Iterator[AskedCall]:
    number = 0
    while (at_s := load.from_ + number / load.calls_per_second) < load.from_ + _span_s(written, load):
        yield AskedCall(
            at_s,
            load.model,
            load.stream,
            input_tokens=load.input_tokens,
            sdk_timeout_s=load.sdk_timeout,
        )
        number += 1


def _span_s(written: WrittenOutage, load: Load) -> float:
    end_s = written.lasts if load.to is None else min(load.to, written.lasts)
    return max(0.0, end_s - load.from_)
