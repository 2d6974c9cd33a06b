"""The books that are compared: calls as `/requests` and as spans have them, sums as metrics have them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from bench.ledger.usage import Bill, Used, listed, parts_of, traced
from claude_sidecar.demo.collector import Span


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt. model: as it was asked for upstream; label: as metrics call it."""

    request_id: str | None
    model: str
    label: str
    key: str
    route: str
    status: int | None
    cause: str | None
    used: Used
    bill: Bill
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One call. request_id: of the answer that the app got; label: its model as metrics call it."""

    conversation: str
    label: str
    key: str
    route: str
    status: int | None
    usd: Decimal | None
    unpriced: tuple[str, ...]
    attempts: tuple[Attempt, ...]
    request_id: str | None = None
    left: bool = False


def from_requests(entry: Mapping[str, Any]) -> Call:
    """One entry of `/requests`."""
    attempts = [_listed(entry, sent) for sent in entry["attempts"]]
    return Call(
        entry["conversation"],
        entry["model"] or "none",
        entry["key"],
        entry["route"],
        entry["status"],
        _decimal(entry["costUsd"]),
        tuple(entry["unpriced"]),
        tuple(attempts),
        entry["requestId"],
        entry["cancelled"],
    )


def _listed(entry: Mapping[str, Any], sent: Mapping[str, Any]) -> Attempt:
    return Attempt(
        sent["requestId"],
        sent["model"] or "",
        sent["substitutedModel"] or entry["model"] or "none",
        sent["key"],
        sent["route"],
        sent["status"],
        sent["cause"],
        listed(sent["usage"]),
        Bill(_decimal(sent["costUsd"]), tuple(sent["unpriced"])),
        sent["partial"],
    )


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


@dataclass(frozen=True, slots=True)
class TracedAttempt:
    """One attempt as its span has it; usd: a floating-point number there."""

    request_id: str | None
    status: int | None
    key: str
    used: Used
    usd: float | None


@dataclass(frozen=True, slots=True)
class TracedCall:
    """One call as its spans have it; used: what its middle span tells."""

    status: int | None
    used: Used
    usd: float | None
    unpriced: tuple[str, ...]
    attempts: tuple[TracedAttempt, ...]


def from_spans(spans: Iterable[Span]) -> TracedCall:
    """The spans of one trace."""
    top, middle, sends = _by_level(list(spans))
    attributes = middle.attributes
    unpriced = str(attributes.get("claude_sidecar.unpriced", ""))
    return TracedCall(
        _int(top.attributes.get("http.response.status_code")),
        traced(attributes, "gen_ai.usage.", "claude_sidecar.usage."),
        _float(attributes.get("claude_sidecar.cost_usd")),
        tuple(unpriced.split(", ")) if unpriced else (),
        tuple(_traced(span.attributes) for span in sends),
    )


def _by_level(spans: list[Span]) -> tuple[Span, Span, list[Span]]:
    (top,) = [span for span in spans if span.kind == "SERVER"]
    (middle,) = [span for span in spans if span.parent_id == top.span_id]
    sends = [span for span in spans if span.parent_id == middle.span_id]
    return top, middle, sorted(sends, key=lambda s: int(s.attributes.get("http.request.resend_count", 0)))


def _traced(attributes: Mapping[str, Any]) -> TracedAttempt:
    return TracedAttempt(
        attributes.get("http.response.header.request-id"),
        _int(attributes.get("http.response.status_code")),
        str(attributes.get("claude_sidecar.key", "none")),
        traced(attributes, "claude_sidecar.attempt.usage."),
        _float(attributes.get("claude_sidecar.attempt.cost_usd")),
    )


def _int(value: Any) -> int | None:
    return None if value is None else int(value)


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


Sums = dict[tuple[str, ...], float]
Counts = Counter[tuple[str, ...]]


def from_metrics(text: str) -> dict[str, Sums]:
    """Counters and gauges by name and label values, ordered by label; without zeros and `error_type`."""
    found: dict[str, Sums] = defaultdict(dict)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.value and family.type in ("counter", "gauge"):
                place = tuple(
                    value for label, value in sorted(sample.labels.items()) if label != "error_type"
                )
                found[sample.name][place] = found[sample.name].get(place, 0.0) + sample.value
    return found


def summed(calls: Iterable[Call]) -> dict[str, Sums]:
    """Counters as the calls of `/requests` make them."""
    requests, attempts, tokens, unpriced = Counts(), Counts(), Counts(), Counts()
    usd: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for call in calls:
        requests[call.key, call.label, call.route, str(call.status or "none")] += 1
        for sent in call.attempts:
            attempts[sent.cause or "none", sent.label, sent.route, str(sent.status or "none")] += 1
            for kind in ("input", "output", "cache_read", "cache_creation"):
                tokens[sent.key, kind, sent.label] += getattr(sent.used, kind)
            for kind in sent.bill.unpriced:
                unpriced[kind, sent.label] += parts_of(sent.used)[kind]
            if sent.bill.usd is not None:
                usd[sent.key, sent.label] += sent.bill.usd
    found = {
        "claude_sidecar_requests_total": requests,
        "claude_sidecar_attempts_total": attempts,
        "claude_sidecar_tokens_total": tokens,
        "claude_sidecar_unpriced_usage_total": unpriced,
        "claude_sidecar_cost_usd_total": usd,
    }
    return {name: {place: float(n) for place, n in sums.items() if n} for name, sums in found.items()}
