"""Provides a real Prometheus for the tests: `python tools/prometheus_programs.py [--only-look]`.

The machine's own `prometheus` and `promtool` where both are in PATH, else as their project releases them,
else those out of Debian's package, unpacked into the user's cache folder: nothing is installed and no service
started. Prints their folder.
"""

import argparse
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from builders_lock import one_builder
from locked_folder import USER_CACHE
from release_files import OutOfReach, ReleaseFile, download, this_platform
from toolchain import say

PROGRAMS = ("prometheus", "promtool")
PACKAGE = "prometheus"
VERSION = "2.42.0"
"""The one of Debian 12, so that both ways give the same."""
RELEASES = f"https://github.com/prometheus/prometheus/releases/download/v{VERSION}"
CACHED = USER_CACHE / "prometheus"
HOW = f"make: no Prometheus: put {' and '.join(PROGRAMS)} (2.40 or newer) into PATH"


def in_path() -> Path | None:
    """The folder in PATH that has both."""
    found = shutil.which(PROGRAMS[0])
    folder = Path(found).parent if found else None
    return folder if folder and has_both(folder) else None


def has_both(folder: Path) -> bool:
    """Whether both programs are in a folder."""
    return all(os.access(folder / name, os.X_OK) for name in PROGRAMS)


def download_release() -> bool:
    """Fill the cache with what the project releases; false where that is out of reach."""
    stem = f"prometheus-{VERSION}.{'-'.join(this_platform())}"
    files = tuple(
        ReleaseFile(name, f"{RELEASES}/{stem}.tar.gz", f"{RELEASES}/sha256sums.txt", f"{stem}/{name}")
        for name in PROGRAMS
    )
    shutil.rmtree(CACHED, ignore_errors=True)  # half of it, if anything
    try:
        download("Prometheus", files, CACHED)
    except OutOfReach as reason:
        say(f"Prometheus: {reason}")
        return False
    return True


def download_package(folder: Path) -> Path:
    """Debian's package, by the machine's own apt and checked by it."""
    apt = ["apt-get", "-q", "-o", "APT::Sandbox::User=root"]
    for command in ("download", "update", "download"):
        arguments = [*apt, command, *([PACKAGE] if command == "download" else [])]
        ended = subprocess.run(arguments, check=False, cwd=folder, capture_output=True, text=True)
        found = list(folder.glob(f"{PACKAGE}_*.deb"))
        if found:
            return found[0]
    raise SystemExit(f"{ended.stderr}{HOW}: Debian's package '{PACKAGE}' could not be had, see above.")


def unpack() -> None:
    """Fill the cache, whole or not at all."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise SystemExit(f"{HOW}; it can be had by itself on Debian and its kin only.")
    say(f"unpacking Prometheus from Debian's package into {CACHED}, once: 20 MB to download")
    CACHED.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="new-", dir=CACHED.parent) as scratch:
        package, tree, made = download_package(Path(scratch)), Path(scratch, "tree"), Path(scratch, "made")
        subprocess.run(["dpkg-deb", "-x", package, tree], check=True)
        made.mkdir()
        for name in PROGRAMS:
            (tree / "usr" / "bin" / name).rename(made / name)
        if not has_both(CACHED):  # another run may have been faster
            shutil.rmtree(CACHED, ignore_errors=True)
            made.rename(CACHED)


def main() -> None:
    """Print where the programs are."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--only-look", action="store_true", help="download nothing; fail if one is missing")
    arguments = asked.parse_args()
    folder = in_path() or CACHED
    if not has_both(folder):
        if arguments.only_look:
            raise SystemExit("make: Prometheus is not here yet: run 'make test-cluster' once.")
        with one_builder(USER_CACHE, "getting Prometheus"):
            if not has_both(folder) and not download_release():
                unpack()
    print(folder)


if __name__ == "__main__":
    main()
