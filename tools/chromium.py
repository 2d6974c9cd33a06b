"""Provides Chromium for the tests of the admin page: `python tools/chromium.py`.

The machine's own where it is in PATH, else Debian's package, installed by apt as root. Prints its path.
"""

import shutil

from debian_program import from_debian

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """The browser's path."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return found or from_debian(NAMES[0], "fonts-dejavu-core")


if __name__ == "__main__":
    print(chromium())
