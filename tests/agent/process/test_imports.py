"""What a starting sidecar imports, and what it leaves until somebody needs it."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.processes

_LEFT = (
    "aiohttp.client",
    "aiohttp.connector",
    "aiohttp.web_urldispatcher",
    "claude_sidecar.config.complaint",
)


def _python(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


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
    assert _python(program).split() == ["True", "True", "True"]


def test_aiohttp_that_is_there_already_stays_as_it_is() -> None:
    program = (
        "import aiohttp; before = aiohttp;"
        "import claude_sidecar.proxy.sidecar, aiohttp;"
        "print(before is aiohttp, type(aiohttp).__name__)"
    )
    assert _python(program).split() == ["True", "module"]
