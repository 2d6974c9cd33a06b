"""One trace drawn as a tree in plain text."""

from collections.abc import Iterator, Sequence

from claude_sidecar.demo.collector import Span, SpanEvent, Value
from claude_sidecar.telemetry import names

_TOLD = (
    names.ROUTE,
    names.HTTP_REQUEST_RESEND_COUNT,
    names.HTTP_RESPONSE_STATUS_CODE,
    names.ERROR_TYPE,
    names.CAUSE,
    names.ATTEMPTS,
    names.ADDED_LATENCY_MS,
    names.POLICY,
    names.GEN_AI_USAGE_INPUT_TOKENS,
    names.GEN_AI_USAGE_OUTPUT_TOKENS,
)
_LINE = 116


def span_tree(spans: Sequence[Span]) -> Iterator[str]:
    """The lines of a trace: each span with its time and what it tells, events in between by time."""
    known = {span.span_id for span in spans}
    for span in spans:
        if span.parent_id not in known:
            yield from _branch(span, spans, "", "")


def _branch(span: Span, spans: Sequence[Span], first: str, rest: str) -> Iterator[str]:
    yield f"{first}{span.name}  [{span.kind.lower()}, {span.milliseconds:.1f} ms]"
    below: list[Span | SpanEvent] = [child for child in spans if child.parent_id == span.span_id]
    stem = rest + ("|    " if below else "     ")
    yield from _facts(span.attributes, stem)
    below = sorted([*below, *span.events], key=_moment)
    for child in below:
        last = child is below[-1]
        if isinstance(child, SpanEvent):
            facts = " ".join(f"{name}={_shown(value)}" for name, value in child.attributes.items())
            yield f"{rest}{'`' if last else '|'}  * {child.name}  {facts}"
        else:
            yield from _branch(
                child, spans, f"{rest}{'`' if last else '|'}- ", f"{rest}{' ' if last else '|'}  "
            )


def _facts(attributes: dict[str, Value], stem: str) -> Iterator[str]:
    line = stem
    for name in _TOLD:
        if name not in attributes:
            continue
        fact = f"{name}={_shown(attributes[name])}"
        if len(line) + len(fact) > _LINE and line != stem:
            yield line.rstrip()
            line = stem
        line += fact + "  "
    if line != stem:
        yield line.rstrip()


def _moment(child: Span | SpanEvent) -> int:
    return child.start_ns if isinstance(child, Span) else child.at_ns


def _shown(value: Value) -> str:
    return f"{value:.3g}" if isinstance(value, float) and value < 100 else f"{value}"
