"""The comparison as one page: static, nothing from elsewhere, every text escaped."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from claude_sidecar.replay.chart import Column, clock_time, columns_of
from claude_sidecar.replay.comparison import Comparison
from claude_sidecar.replay.course import Course
from claude_sidecar.replay.figures import difference_words, rows_of

_COLUMNS = 120
_HEIGHT = 100
_WIDTH = 720
_DIFFERENCES = 200

_STYLE = """
:root { color-scheme: light dark; --good: #2a7f62; --bad: #c2452d; --left: #8a8a8a; --line: #8885; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25rem .5rem; border-bottom: 1px solid var(--line); }
.number { text-align: right; font-variant-numeric: tabular-nums; }
svg { width: 100%; height: auto; }
.wide { overflow-x: auto; }
.good { fill: var(--good); } .bad { fill: var(--bad); } .left { fill: var(--left); }
text { fill: currentColor; font-size: 11px; }
"""


def page_of(comparison: Comparison) -> str:
    """The whole page."""
    return "\n".join(_page(comparison))


def _page(comparison: Comparison) -> Iterator[str]:
    outage = comparison.outage
    old, new = (course.snapshot.name for course in comparison.courses)
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    yield (
        '<meta http-equiv="content-security-policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">"
    )
    yield '<meta name="viewport" content="width=device-width">'
    yield f"<title>Replay: {escape(new)} against {escape(old)}</title><style>{_STYLE}</style></head><body>"
    yield f"<h1>{escape(new)} against {escape(old)}</h1><p>{escape(outage.about)}</p>"
    yield f"<p>{len(outage.calls):,} calls in {clock_time(outage.lasts_s)}; seed {comparison.seed}</p>"
    yield from _table(("", f"{old} (old)", f"{new} (new)"), rows_of(comparison), numbers=True)
    yield from _charts(comparison)
    yield "<h2>What is known, and what is assumed</h2><ul>"
    yield from (f"<li>{escape(note)}</li>" for note in comparison.notes)
    yield "</ul>"
    yield from _differences(comparison)
    yield "</body></html>\n"


def _charts(comparison: Comparison) -> Iterator[str]:
    found = [columns_of(comparison.outage, course, _COLUMNS) for course in comparison.courses]
    most = max(1, *(column.calls for columns in found for column in columns))
    yield "<h2>Calls by when they came</h2><p>From below: answered, left by the app, failed.</p>"
    for course, columns in zip(comparison.courses, found, strict=True):
        yield f"<h3>{escape(course.snapshot.name)}</h3>"
        yield _svg(course, columns, most, comparison.outage.lasts_s)


def _svg(course: Course, columns: Sequence[Column], most: int, lasts_s: float) -> str:
    width = _WIDTH / len(columns)
    bars = []
    for index, column in enumerate(columns):
        base = float(_HEIGHT)
        stack = (("good", column.answered), ("left", column.left), ("bad", column.failed))
        for kind, count in stack:
            height = count / most * _HEIGHT
            base -= height
            if count:
                place = f'x="{index * width:.2f}" y="{base:.2f}" width="{width * 0.9:.2f}"'
                bars.append(f'<rect class="{kind}" {place} height="{height:.2f}"/>')
    failed = len(course.ends) - course.answered - course.left
    told = (
        f"{course.answered:,} answered, {failed:,} failed, {course.left:,} left; at most {most:,} in a column"
    )
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT + 16}" role="img" aria-label="{escape(told)}">'
        f"{''.join(bars)}"
        f'<text x="0" y="{_HEIGHT + 13}">0</text>'
        f'<text x="{_WIDTH}" y="{_HEIGHT + 13}" text-anchor="end">{clock_time(lasts_s)}</text></svg>'
        f"<p>{escape(told)}</p>"
    )


def _differences(comparison: Comparison) -> Iterator[str]:
    found = comparison.differences()
    yield f"<h2>Calls that end otherwise: {len(found):,}</h2>"
    if not found:
        return
    old, new = (course.snapshot.name for course in comparison.courses)
    yield from _table(("call", old, new), [difference_words(each) for each in found[:_DIFFERENCES]])
    if len(found) > _DIFFERENCES:
        yield f"<p>These are the first {_DIFFERENCES:,}; --json lists more.</p>"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: bool = False) -> Iterator[str]:
    yield '<div class="wide"><table><tr>'
    kind = ' class="number"' if numbers else ""
    yield from (f'<th scope="col"{kind}>{escape(head)}</th>' for head in heads)
    yield "</tr>"
    for first, *others in rows:
        cells = "".join(f"<td{kind}>{escape(cell)}</td>" for cell in others)
        yield f'<tr><th scope="row">{escape(first)}</th>{cells}</tr>'
    yield "</table></div>"
