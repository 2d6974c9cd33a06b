"""Released programs: taken only with the sum that their project published, else told why not."""

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from release_files import OutOfReach, ReleaseFile, download

PROGRAM = b"#!/bin/sh\necho released\n"


def archive(member: str) -> bytes:
    """A .tar.gz that holds the program."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        entry = tarfile.TarInfo(member)
        entry.size = len(PROGRAM)
        tar.addfile(entry, io.BytesIO(PROGRAM))
    return packed.getvalue()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Releases:
    """A web server with the files of a release."""

    def __init__(self) -> None:
        files = self.files = dict[str, bytes]()

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                content = files.get(self.path)
                self.send_response(200 if content is not None else 404)
                self.send_header("content-length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def releases(monkeypatch: pytest.MonkeyPatch) -> Iterator[Releases]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    served = Releases()
    thread = threading.Thread(target=served.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    served.server.shutdown()
    served.server.server_close()
    thread.join()


def test_program_with_its_sum_beside_it_is_taken(releases: Releases, tmp_path: Path) -> None:
    releases.files |= {"/kubectl": PROGRAM, "/kubectl.sha256": sha256(PROGRAM).encode()}
    file = ReleaseFile("kubectl", f"{releases.url}/kubectl", f"{releases.url}/kubectl.sha256")
    download("kubectl", (file,), tmp_path / "made")
    assert (tmp_path / "made" / "kubectl").read_bytes() == PROGRAM
    assert (tmp_path / "made" / "kubectl").stat().st_mode & 0o111


def test_program_in_an_archive_is_taken(releases: Releases, tmp_path: Path) -> None:
    packed = archive("tool-1/tool")
    sums = f"{sha256(b'other')}  other.tar.gz\n{sha256(packed)} *tool-1.tar.gz\n"
    releases.files |= {"/tool-1.tar.gz": packed, "/sums": sums.encode()}
    file = ReleaseFile("tool", f"{releases.url}/tool-1.tar.gz", f"{releases.url}/sums", "tool-1/tool")
    download("tool", (file,), tmp_path / "made")
    assert (tmp_path / "made" / "tool").read_bytes() == PROGRAM


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"/tool": PROGRAM, "/sums": f"{sha256(b'other')}  tool\n".encode()}, "has not the SHA-256"),
        ({"/tool": PROGRAM, "/sums": f"{sha256(PROGRAM)}  other\n".encode()}, "has no sum of tool"),
        ({"/tool": PROGRAM}, "/sums cannot be had"),
        ({"/sums": sha256(PROGRAM).encode()}, "/tool cannot be had"),
        ({"/tool": PROGRAM, "/sums": b"\xff\xfe\n\n"}, "has no sum of tool"),
    ],
)
def test_what_is_not_the_released_program_leaves_nothing(
    releases: Releases, tmp_path: Path, files: dict[str, bytes], said: str
) -> None:
    releases.files |= files
    file = ReleaseFile("tool", f"{releases.url}/tool", f"{releases.url}/sums")
    with pytest.raises(OutOfReach, match=said):
        download("tool", (file,), tmp_path / "made")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("broken", ["no archive", "no such member"])
def test_archive_that_does_not_hold_the_program_is_told(
    releases: Releases, tmp_path: Path, broken: str
) -> None:
    packed = b"no gzip" if broken == "no archive" else archive("tool-2/tool")
    releases.files |= {"/tool.tar.gz": packed, "/sums": f"{sha256(packed)}  tool.tar.gz".encode()}
    file = ReleaseFile("tool", f"{releases.url}/tool.tar.gz", f"{releases.url}/sums", "tool-1/tool")
    with pytest.raises(OutOfReach, match=r"tool\.tar\.gz"):
        download("tool", (file,), tmp_path / "made")


def test_no_network_is_told_at_once(tmp_path: Path, free_port: int) -> None:
    nobody = f"http://127.0.0.1:{free_port}"
    with pytest.raises(OutOfReach, match="cannot be had"):
        download("tool", (ReleaseFile("tool", f"{nobody}/tool", f"{nobody}/sums"),), tmp_path / "made")
