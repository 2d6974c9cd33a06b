"""Jaeger, a real trace store, for the tests: `python tools/jaeger_binary.py [--only-look]`.

Compiled once from locked Go modules into the user's cache folder. It stores and answers queries, but has no
pages: these are not in its module. Prints the program's path on stdout, progress on stderr.
"""

import argparse
from pathlib import Path

from go_program import GoProgram, built, found
from locked_folder import ROOT

JAEGER = GoProgram(
    title="Jaeger",
    place="jaeger",
    go_mod=ROOT / "tools" / "jaeger" / "go.mod",
    sources=(),
    package="github.com/jaegertracing/jaeger/cmd/jaeger",
    file="jaeger",
    costs="3 to 5 minutes on two cores, 4 GB of memory and 4 GB of disk, most of which Go keeps for itself "
    "until 'go clean -cache -modcache'",
)


def program(*, only_look: bool) -> Path:
    """The program, built where it is missing unless it is only looked for."""
    folder = found(JAEGER) if only_look else built(JAEGER)
    if folder is None:
        raise SystemExit("make: Jaeger is not here yet: run 'make test-cluster' once.")
    return folder / JAEGER.file


def main() -> None:
    """Print where the program is."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--only-look", action="store_true", help="build nothing; fail if it is missing")
    print(program(only_look=asked.parse_args().only_look))


if __name__ == "__main__":
    main()
