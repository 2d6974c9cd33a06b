"""A policy that a command is given to look at, not to run: its credentials need not be there."""

import sys
from pathlib import Path

from claude_sidecar.cli.check import STDIN
from claude_sidecar.config.load import read_bytes
from claude_sidecar.config.parse import MAX_FILE_BYTES, parse_policy
from claude_sidecar.schema.compile import compile_policy
from claude_sidecar.schema.snapshot import Snapshot


def snapshot_of(file: str) -> Snapshot:
    """The policy of a file, `-` for standard input; raises PolicyInvalid with all that is wrong."""
    if file == STDIN:
        return compile_policy(parse_policy(sys.stdin.buffer.read(MAX_FILE_BYTES + 1), "<stdin>"))
    return compile_policy(parse_policy(read_bytes(Path(file)), file))
