"""The end of a child process that was told to end."""

import subprocess

_LONGEST_S = 30


def ended_or_killed(process: "subprocess.Popen[str] | subprocess.Popen[bytes]") -> int:
    """Its exit code; TimeoutExpired where it did not end within 30 s, and it is killed then."""
    try:
        return process.wait(_LONGEST_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise
