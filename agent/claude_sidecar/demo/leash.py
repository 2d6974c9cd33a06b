"""`python -m claude_sidecar.demo.leash OPTIONS`: `claude-sidecar run`, which ends when its starter goes.

Standard input is the leash: first comes the policy and a zero byte, then nothing. However the starter ends,
killed included, the pipe closes, this process stops in order and its policy file goes with it.
"""

import os
import runpy
import signal
import sys
import tempfile
import threading
from pathlib import Path
from types import FrameType

_TERMINATED = 128 + signal.SIGTERM


def _main() -> None:
    # Until the sidecar has its own handler, an end has to clean up, too.
    signal.signal(signal.SIGTERM, _end)
    policy = bytearray()
    while (byte := os.read(sys.stdin.fileno(), 1)) != b"\0":
        if not byte:
            raise SystemExit(_TERMINATED)
        policy += byte
    threading.Thread(target=_watch, name="leash", daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="claude-sidecar-demo-") as folder:
        policy_file = Path(folder) / "policy.yaml"
        policy_file.write_bytes(policy)
        sys.argv = ["claude-sidecar", "run", "--policy", str(policy_file), *sys.argv[1:]]
        runpy.run_module("claude_sidecar", run_name="__main__")


def _watch() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _end(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(_TERMINATED)


if __name__ == "__main__":
    _main()
