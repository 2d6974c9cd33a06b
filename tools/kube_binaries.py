"""Builds real Kubernetes components for the cluster tests: `python tools/kube_binaries.py [MINOR...]`.

One program per minor holds etcd, kube-apiserver, kube-controller-manager and kubectl, the oldest minor's
also kube-scheduler, kubelet and kube-proxy. It is compiled once from Go modules into the user's cache folder
and found there by later runs. Prints each minor's folder as one JSON object on stdout, progress on stderr.
"""

import argparse
import contextlib
import fcntl
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from locked_folder import ROOT, digest
from toolchain import go_tool, say

SOURCES = ROOT / "tools" / "kube"
MINORS = tuple(sorted((path.parent.name for path in SOURCES.glob("*/go.mod")), key=lambda m: int(m[2:])))
"""The first one is what tests run on; on the others a few run too."""

CONTROL = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
NODE = ("kube-scheduler", "kubelet", "kube-proxy")
VERSION_PACKAGES = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
PROGRESS_EVERY = 20.0


def cache() -> Path:
    """Where built programs outlive a checkout."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "claude-sidecar" / "kube"


def components(minor: str) -> tuple[str, ...]:
    """What the program of a minor can be: only the first minor gets a node."""
    return CONTROL + NODE if minor == MINORS[0] else CONTROL


def build_flags(minor: str) -> list[str]:
    """Flags of `go build`; without its version the API server would call itself v0.0.0."""
    asked = re.search(
        r"^\tk8s\.io/kubernetes (v\S+)$", (SOURCES / minor / "go.mod").read_text(), re.MULTILINE
    )
    assert asked, f"{minor}/go.mod names no version of k8s.io/kubernetes"
    facts = {"gitVersion": asked[1], "gitMajor": "1", "gitMinor": minor[2:], "gitTreeState": "clean"}
    named = [f"-X {package}.{fact}={value}" for package in VERSION_PACKAGES for fact, value in facts.items()]
    tags = "" if "kubelet" in components(minor) else "control"
    return ["-v", "-trimpath", "-tags", tags, "-ldflags", " ".join(["-s", "-w", *named])]


def programs() -> list[Path]:
    """The Go sources, the same for every minor."""
    return sorted(SOURCES.glob("*.go"))


def key_of(minor: str, go: Path) -> str:
    """What the program of a minor is made from, shortened: it names a folder."""
    go_version = subprocess.run([go, "version"], check=True, capture_output=True, text=True).stdout
    locks = (SOURCES / minor / "go.mod", SOURCES / minor / "go.sum")
    return f"{minor}-{digest(go_version, *build_flags(minor), *locks, *programs())[:16]}"


class Progress:
    """Counts what `go build -v` reports, says so now and then, and keeps the rest for when it fails."""

    def __init__(self, minor: str) -> None:
        self._minor, self._begun = minor, time.monotonic()
        self._downloaded = self._compiled = 0
        self.rest: deque[str] = deque(maxlen=40)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begun

    def read(self, output: IO[str]) -> None:
        """Take in the compiler's lines until it ends."""
        for line in output:
            if line.startswith("go: downloading"):
                self._downloaded += 1
            elif re.fullmatch(r"[\w.~/-]+\n", line):
                self._compiled += 1
            else:
                self.rest.append(line)

    def tell(self) -> None:
        say(
            f"Kubernetes {self._minor}: {self.seconds:.0f} s, {self._downloaded} modules downloaded, "
            f"{self._compiled} packages compiled"
        )


def compile_program(minor: str, go: Path, folder: Path, target: Path) -> Progress:
    """`go build` in a folder that holds the sources and the minor's locks."""
    for source in (*programs(), SOURCES / minor / "go.mod", SOURCES / minor / "go.sum"):
        shutil.copy(source, folder)
    env = {"CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    progress = Progress(minor)
    building = subprocess.Popen(
        ["nice", "-n", "19", go, "build", *build_flags(minor), "-o", target, "."],
        cwd=folder,
        env={**os.environ, **env},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert building.stderr
    reader = threading.Thread(target=progress.read, args=(building.stderr,))
    reader.start()
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                building.wait(PROGRESS_EVERY)
                break
            progress.tell()
    finally:
        building.kill()
        reader.join()
    if building.returncode != 0:
        raise SystemExit(
            "".join(progress.rest)
            + f"make: building Kubernetes {minor} failed: see above. It needs a Go module proxy, "
            "4 GB of memory and 6 GB of disk. KUBE_BIN_DIR=FOLDER takes programs that are there already."
        )
    return progress


def build(minor: str, go: Path, folder: Path) -> None:
    """Make the folder of a minor, whole or not at all."""
    say(
        f"building Kubernetes {minor} from Go modules, once: 4 to 9 minutes on two cores; what Go keeps "
        "of it for itself (4 GB each) goes with 'go clean -cache -modcache'"
    )
    with tempfile.TemporaryDirectory(prefix="new-", dir=folder.parent) as scratch:
        sources, made = Path(scratch, "sources"), Path(scratch, "made")
        sources.mkdir()
        made.mkdir()
        progress = compile_program(minor, go, sources, made / "kubernetes")
        for name in components(minor):
            (made / name).symlink_to("kubernetes")
        made.rename(folder)
    size = (folder / "kubernetes").stat().st_size / 1e6
    say(f"Kubernetes {minor} is built: {progress.seconds:.0f} s, {size:.0f} MB in {folder}")


@contextlib.contextmanager
def one_builder() -> Iterator[None]:
    """Hold the cache's lock: another checkout may be building the same."""
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / "lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another run is building: waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def built(minors: list[str], *, only_look: bool) -> dict[str, str]:
    """The folder of each minor, built where it is missing."""
    folders = {}
    for minor in minors:
        go = go_tool(SOURCES / minor / "go.mod")
        folder = cache() / key_of(minor, go)
        if not folder.is_dir() and only_look:
            raise SystemExit(f"make: Kubernetes {minor} is not built yet: run 'make cluster-binaries' first.")
        if not folder.is_dir():
            with one_builder():
                if not folder.is_dir():
                    build(minor, go, folder)
        folders[minor] = str(folder)
    return folders


def given(folder: Path) -> dict[str, str]:
    """The folder that KUBE_BIN_DIR names, when all is in it."""
    missing = [name for name in CONTROL if not os.access(folder / name, os.X_OK)]
    if missing:
        raise SystemExit(
            f"make: KUBE_BIN_DIR={folder} lacks {', '.join(missing)}: put them there, or unset it "
            "to have them built."
        )
    return {"given": str(folder.resolve())}


def main() -> None:
    """Print where each minor's programs are."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("minors", nargs="*", metavar="MINOR", help=f"of {', '.join(MINORS)}; default: all")
    asked.add_argument("--only-look", action="store_true", help="build nothing; fail if one is missing")
    arguments = asked.parse_args()
    unknown = set(arguments.minors) - set(MINORS)
    if unknown:
        asked.error(f"no such minor: {', '.join(sorted(unknown))}; there are {', '.join(MINORS)}")
    if os.environ.get("KUBE_BIN_DIR"):
        folders = given(Path(os.environ["KUBE_BIN_DIR"]))
        say(f"Kubernetes comes from KUBE_BIN_DIR: {folders['given']}")
    elif os.environ.get("KUBECONFIG"):
        folders = {}
        say("the cluster tests use the cluster of KUBECONFIG: nothing to build")
    else:
        folders = built(arguments.minors or list(MINORS), only_look=arguments.only_look)
    print(json.dumps(folders))


if __name__ == "__main__":
    main()
