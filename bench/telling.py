"""Figures that are told one by one, as soon as they are known, and kept as a file at the end."""

import json
import platform
from datetime import UTC, datetime
from pathlib import Path

from bench.cores import Neighbours
from bench.results import FOLDER, priority, processor


class Telling:
    """The figures of one run. name: of the benchmark; under: a line on what was measured.

    Make it before anything is started: it also looks at what others use of the machine.
    """

    def __init__(self, name: str, under: str = "") -> None:
        self.name, self.under = name, under
        self._figures: dict[str, str] = {}
        self._neighbours = Neighbours()

    def tell(self, figure: str, value: str) -> None:
        """Print a figure, and remember it."""
        print(f"{figure:<62} {value}", flush=True)
        self._figures[figure] = value

    def keep(self, cores: int, folder: Path = FOLDER) -> Path:
        """Write Markdown and JSON, named for date, time and benchmark; all children must have ended.

        cores: that could be used. Returns the Markdown's path.
        """
        when = datetime.now(UTC)
        conditions = "; ".join(
            filter(
                None,
                (
                    f"{processor()}, {cores} cores",
                    f"Python {platform.python_version()}",
                    self.under,
                    priority(),
                    f"other programs used {100 * self._neighbours.share():.0f} % of the machine meanwhile",
                ),
            )
        )
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{when:%Y-%m-%d-%H%M}-{self.name}.md"
        width = max(map(len, self._figures), default=6)
        lines = [f"| {figure:<{width}} | {value} |" for figure, value in self._figures.items()]
        head = [f"| {'figure':<{width}} | value |", f"| {'-' * width} | --- |"]
        title = f"# Benchmark `{self.name}` of {when:%Y-%m-%d %H:%M} UTC"
        path.write_text("\n".join([title, "", *head, *lines, "", conditions, ""]))
        content = {
            "date": when.isoformat(timespec="minutes"),
            "conditions": conditions,
            "figures": self._figures,
        }
        path.with_suffix(".json").write_text(json.dumps(content, indent=1) + "\n")
        return path
