"""`claude-sidecar check`: validates policy files."""

import sys
from pathlib import Path

import click

from claude_sidecar.config.load import Loaded, load_bytes, load_file
from claude_sidecar.config.own_address import ADMIN_PORT, DATA_PORT, leads_here
from claude_sidecar.config.parse import MAX_FILE_BYTES
from claude_sidecar.config.problem import PolicyInvalid

STDIN = "-"


@click.command(short_help="Validate policy files.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
def command(files: tuple[str, ...]) -> int:
    """Validate policy files; `-` is standard input.

    Prints one line for each good file, and `file:line: path: what is wrong and what is allowed` for each
    fault. Exits 1 if there is any. Files and variables that credentials name must be there; keys of
    Secrets are looked up when the sidecar runs.
    """
    faulty = False
    for file in files:
        try:
            loaded = _load(file)
        except PolicyInvalid as invalid:
            faulty = True
            print(invalid)
        else:
            print(_praise(file, loaded))
            for warning in _warnings(file, loaded):
                print(warning, file=sys.stderr)
    return 1 if faulty else 0


def _load(file: str) -> Loaded:
    if file == STDIN:
        return load_bytes(sys.stdin.buffer.read(MAX_FILE_BYTES + 1), "<stdin>", Path.cwd())
    return load_file(Path(file))


def _warnings(file: str, loaded: Loaded) -> list[str]:
    """What is right by itself but wrong for a sidecar that listens where they usually do."""
    return [
        f"warning {file}: spec.routes[{index}].endpoint: leads to port {route.port} of this machine, where "
        "`claude-sidecar run` itself listens unless told otherwise, and then refuses this policy"
        for index, route in enumerate(loaded.snapshot.routes)
        if route.port in (DATA_PORT, ADMIN_PORT) and leads_here(route.host)
    ]


def _praise(file: str, loaded: Loaded) -> str:
    snapshot = loaded.snapshot
    count = len(snapshot.routes)
    routes = "1 route" if count == 1 else f"{count} routes"
    return f"ok {file}: policy {snapshot.name}, {routes}, hash {snapshot.hash}"
