"""Writes the table in docs/hints.md from the cases of the tests; `--check` only tells if it is stale."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from support.hint_cases import CASES  # noqa: E402 - only the line above makes it findable

from claude_sidecar.hints.hint import named_hint_for  # noqa: E402

PAGE = ROOT / "docs" / "hints.md"
_BLOCK = re.compile(r"(<!-- written by tools/gen_hints\.py -->\n).*?(<!-- end -->\n)", re.DOTALL)


def main() -> None:
    """Renew the page, or exit 1 if it is stale."""
    before = PAGE.read_text(encoding="utf-8")
    after = renewed(before)
    if "--check" in sys.argv[1:]:
        if before != after:
            sys.exit("docs/hints.md is stale: run tools/gen_hints.py")
        return
    PAGE.write_text(after, encoding="utf-8")


def renewed(page: str) -> str:
    """The page with its table as it is now."""
    return _BLOCK.sub(lambda block: f"{block[1]}\n{_table()}\n{block[2]}", page)


def _table() -> str:
    lines = ["| status | what is wrong | counted as | hint |", "| --- | --- | --- | --- |"]
    for case in sorted(CASES, key=lambda case: case[:3]):
        status, _, defect = case.partition(" ")
        hint = named_hint_for(CASES[case])
        assert hint is not None
        lines.append(f"| {status} | {defect} | `{hint.name}` | {_linked(hint.text)} |")
    return "\n".join(lines) + "\n"


def _linked(hint: str) -> str:
    """The hint word for word, the section at its end a link."""
    return re.sub(r"\[docs/(errors\.md#[\w-]+)]$", r"[docs/\1](\1)", hint)


if __name__ == "__main__":
    main()
