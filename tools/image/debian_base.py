"""A slim base made here, for machines that reach Debian's packages but no registry of images."""

import os
import subprocess
from pathlib import Path

from image.debian_packages import provide
from image.docker_archive import pack
from image.recipe import BUILT_AT
from image.shelf import SHELF
from locked_folder import digest
from toolchain import say

SUITE = "bookworm"
TAG = f"localhost/claude-sidecar-base:{SUITE}"
_UNREAD = ("doc", "man", "locale", "info")
_COMPILE = (
    "env PYTHONHASHSEED=0 python3 -m compileall -q --invalidation-mode unchecked-hash /usr/lib/python3.11"
)
OPTIONS = [
    "--variant=essential",
    # Without usr-is-merged apt takes usrmerge, and with it 47 MB of Perl.
    "--include=python3,ca-certificates,usr-is-merged",
    "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
    "--skip=output/dev",
    *(f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in _UNREAD),
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    # Debian's bytecode names the dates of its sources, which BUILT_AT changes.
    '--customize-hook=find "$1" -xdev -name __pycache__ -prune -exec rm -r {} +',
    f'--customize-hook=chroot "$1" {_COMPILE}',
]


def key() -> str:
    """What the base depends on, but for Debian's security updates: those come with a new base only."""
    return digest(SUITE, str(BUILT_AT), *OPTIONS)


def path() -> Path:
    """Where the base is on the shelf, or will be."""
    return SHELF / "base" / f"{SUITE}-{key()[:16]}.tar"


def ensure() -> None:
    """Make the base where it is missing, as a docker-archive."""
    target = path()
    if target.exists():
        return
    provide("mmdebstrap")
    say(f"making a base with Python out of Debian's packages ({SUITE}), once: 20 to 60 s")
    target.parent.mkdir(parents=True, exist_ok=True)
    layer, new = target.with_suffix(".layer"), target.with_suffix(".new")
    command = ["nice", "mmdebstrap", "--quiet", "--format=tar", *OPTIONS, SUITE, str(layer)]
    ended = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(BUILT_AT)},
    )
    if ended.returncode != 0:
        layer.unlink(missing_ok=True)
        raise SystemExit(
            f"{ended.stderr[-4000:]}make: mmdebstrap failed: see above. It needs root and Debian's packages; "
            "BASE=IMAGE takes a base that is there already."
        )
    pack(layer, TAG, new)
    layer.unlink()
    new.rename(target)
