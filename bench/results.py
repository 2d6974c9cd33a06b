"""A benchmark's results as files: JSON with every round's values, Markdown with the table."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.cores import Cores
from bench.figures import Row, table

FOLDER = Path(__file__).resolve().parent / "results"
_PACKAGES = ("aiohttp", "httptools", "uvloop", "msgspec", "claude-sidecar")


def conditions(cores: Cores, wrk: Path | None, rounds: int, seconds: float) -> dict[str, Any]:
    """Under which the figures hold; nothing that names the machine."""
    return {
        "processor": processor(),
        "cores": len(cores.sidecar | cores.others),
        "sidecar_alone_on_a_core": cores.pinned,
        "priority": priority(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "small_calls_by": "wrk" if wrk is not None else "bench/client",
        "rounds": rounds,
        "seconds_per_load": seconds,
    }


def as_text(found: Sequence[Row], under: Mapping[str, Any]) -> str:
    """The table and one line of conditions."""
    pinned = "the sidecar alone on one of them" if under["sidecar_alone_on_a_core"] else "nothing pinned"
    above = f", {under['priority']}" if under["priority"] else ""
    line = (
        f"{under['processor']}, {under['cores']} cores, {pinned}{above}; Python {under['python']}; "
        f"medians over rounds: {under['rounds']}, {under['seconds_per_load']:g} s a load; "
        f"small calls by {under['small_calls_by']}; "
        f"other programs used {under['neighbours_percent']:.0f} % of the machine meanwhile"
    )
    return f"{table(found)}\n\n{line}\n"


def keep(
    found: Sequence[Row],
    under: Mapping[str, Any],
    values: Mapping[str, Sequence[float]],
    when: datetime,
    folder: Path = FOLDER,
) -> Path:
    """Write both files, named for the date and time; the Markdown's path."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = when.strftime("%Y-%m-%d-%H%M")
    content = {
        "date": when.isoformat(timespec="minutes"),
        "conditions": under,
        "figures": {row.figure.key: {"value": row.value, "met": row.met} for row in found},
        "rounds": values,
    }
    (folder / f"{stem}.json").write_text(json.dumps(_rounded(content), indent=1) + "\n")
    text = folder / f"{stem}.md"
    text.write_text(f"# Benchmark of {when:%Y-%m-%d %H:%M} UTC\n\n{as_text(found, under)}")
    return text


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, Mapping):
        return {key: _rounded(inner) for key, inner in value.items()}
    return [_rounded(inner) for inner in value] if isinstance(value, list) else value


def priority() -> str:
    """What puts the benchmark before other programs, if anything."""
    if os.sched_getscheduler(0) in (os.SCHED_FIFO, os.SCHED_RR):
        return "real-time priority"
    return f"niceness {os.nice(0)}" if os.nice(0) else ""


def processor() -> str:
    """The processor's name."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
