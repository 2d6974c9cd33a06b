"""A volume with a credential that hangs keeps no process from its end."""

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.cluster.waiting import until
from tests.agent.process.conftest import Whole

pytestmark = pytest.mark.processes

_F_SETSIG = 10
POLICY = """\
apiVersion: claude-sidecar.dev/v1alpha1
kind: ClaudePolicy
metadata: {{name: hangs}}
spec:
  routes: [{{name: only, endpoint: "{upstream}", credential: {{file: KEY}}}}]
"""


@contextlib.contextmanager
def hanging(path: Path) -> Iterator[Callable[[], bool]]:
    """Whoever opens the file hangs meanwhile (fcntl(2), "Leases"); gives whether somebody does.

    The kernel tells of it by a signal, which kills unless it is one that is ignored by default.
    """
    handle = os.open(path, os.O_RDWR)
    try:
        fcntl.fcntl(handle, _F_SETSIG, signal.SIGURG)
        until(lambda: _leased(handle), "nobody else has the file open")
        os.write(handle, b"sk-ant-api03-rotated")
        yield lambda: fcntl.fcntl(handle, fcntl.F_GETLEASE) != fcntl.F_WRLCK
    finally:
        os.close(handle)


def _leased(handle: int) -> bool:
    try:
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    except BlockingIOError:
        return False
    return True


def test_sigterm_ends_the_process_while_a_credential_is_being_read(
    start_whole: Callable[..., Whole], tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text("sk-ant-api03-first")
    whole = start_whole("{}", POLICY.replace("KEY", str(key)), {})
    with hanging(key) as hangs:
        until(hangs, "the sidecar looks at its key")
        began = time.monotonic()
        whole.stop()
        assert hangs()
        assert time.monotonic() - began < 15
    assert '"message":"stopped"' in whole.log.read_text()
