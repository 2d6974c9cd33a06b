"""Says whether tests may make a machine of their own out of namespaces: `python tools/own_machine.py`."""

import subprocess
import sys

COMMAND = ("unshare", "--user", "--map-root-user", "--mount", "--net", "true")
WANTED = "make: no namespaces: Linux is needed, and root or user namespaces that anybody may make"


def main() -> int:
    """0 where it may; else why not, as the last line on stderr."""
    try:
        tried = subprocess.run(COMMAND, check=False, capture_output=True, text=True)
        trouble = tried.stderr.strip() if tried.returncode else None
    except OSError as error:
        trouble = str(error)
    if trouble is not None:
        print(f"{WANTED} ({trouble})", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
