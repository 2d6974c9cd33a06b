"""What a starting sidecar imports, and what it leaves until somebody needs it."""

import compileall
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.project import ROOT

pytestmark = pytest.mark.processes

_LEFT = (
    "aiohttp.client",
    "aiohttp.connector",
    "aiohttp.web_urldispatcher",
    "claude_sidecar.config.complaint",
    "claude_sidecar.doctor",
)

_AIOHTTP_MOVED = (
    "aiohttp is not laid out any more as proxy/web.py needs it, which enters the package without its client. "
    "Find where the new version keeps those names and correct the imports and `_NotRun` there; or take out "
    "`_enter`, import the names from `aiohttp` and `aiohttp.web`, and drop `aiohttp.*` from `_LEFT` here, at "
    "the price that web.py tells. It said:\n"
)


def _python(program: str, otherwise: str = "", **options: Any) -> str:
    """What a program prints; otherwise: what to do where it fails."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, **options
    )
    assert done.returncode == 0, otherwise + done.stderr
    return done.stdout.strip()


def test_aiohttp_is_laid_out_as_its_server_without_its_client_needs_it() -> None:
    program = (
        "import sys, claude_sidecar.proxy.web as web;"
        "assert type(sys.modules['aiohttp']) is web._NotRun, 'the package itself was run';"
        "assert 'aiohttp.client' not in sys.modules, 'its server imports its client'"
    )
    _python(program, _AIOHTTP_MOVED)


@pytest.mark.parametrize("module", _LEFT)
def test_start_leaves_what_no_call_needs(module: str) -> None:
    assert _python(f"import sys, claude_sidecar.cli.run; print({module!r} in sys.modules)") == "False"


def test_aiohttp_is_whole_for_whoever_asks_it_for_its_client() -> None:
    program = (
        "import claude_sidecar.proxy.sidecar, aiohttp, importlib.metadata as metadata;"
        "print(aiohttp.__version__ == metadata.version('aiohttp'));"
        "from aiohttp import ClientSession, web;"
        "from claude_sidecar.proxy.web import Server;"
        "print(ClientSession is aiohttp.client.ClientSession, web.Server is Server)"
    )
    assert _python(program, _AIOHTTP_MOVED).split() == ["True", "True", "True"]


def test_aiohttp_that_is_there_already_stays_as_it_is() -> None:
    program = (
        "import aiohttp; before = aiohttp;"
        "import claude_sidecar.proxy.sidecar, aiohttp;"
        "print(before is aiohttp, type(aiohttp).__name__)"
    )
    assert _python(program).split() == ["True", "module"]


def test_without_sources_fields_have_no_descriptions_and_faults_their_words(tmp_path: Path) -> None:
    package = tmp_path / "claude_sidecar"
    shutil.copytree(
        ROOT / "agent/claude_sidecar",
        package,
        ignore=shutil.ignore_patterns("__pycache__", "proxy", "simulator"),
    )
    compileall.compile_dir(package, quiet=1, legacy=True)
    for source in package.rglob("*.py"):
        source.unlink()
    program = (
        "from claude_sidecar.config.parse import parse_policy;"
        "from claude_sidecar.config.problem import PolicyInvalid;"
        "from claude_sidecar.schema.json_schema import node_at, __file__;"
        "print(__file__[-4:], 'description' in node_at(('spec', 'retry', 'maxAttempts')))\n"
        "try: parse_policy(b'spec: {retri: {}}', 'p')\n"
        "except PolicyInvalid as invalid: print(*invalid.problems)"
    )
    first, *words = _python(
        program, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}
    ).splitlines()
    assert first == ".pyc False"
    assert "did you mean `retry`?" in " ".join(words)
