"""Becomes another program, which the kernel kills when its parent ends: `die_with_parent.py PID PROGRAM ...`.

Started as a program of its own and not as a hook between fork and exec: those are not safe beside threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    parent, program = int(sys.argv[1]), sys.argv[2]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it ended before the kernel was asked
        raise SystemExit(1)
    os.execv(program, sys.argv[2:])
