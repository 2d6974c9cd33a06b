"""aiohttp's HTTP server without its client, which `import aiohttp` brings along.

The client is not used here (`upstream/` is), and makes two TLS contexts when it is imported: 7 MB of memory
and a fifth of the time until ready. So the package is entered in `sys.modules` without running it, and its
modules are imported by their own names. Whoever asks it for anything else than its modules, as for
`aiohttp.ClientSession`, has it run then.

That leans on how aiohttp is laid out: which modules there are, that they import each other and not the
package, and where its version stands. `tests/agent/process/test_imports.py` fails where a new aiohttp is laid
out otherwise, and says what to do; to import the same names from `aiohttp` and `aiohttp.web` always works.

Rejected: importing `aiohttp.web`, which has routing, files and sessions besides; and a server of our own: it
would save less than a tenth of a call's cost.
"""

import re
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

_VERSION = re.compile(r'^__version__ = "([^"]*)"', re.MULTILINE)
"""Its server asks for it, too."""


class _NotRun(ModuleType):
    """A package whose modules can be imported, though it has not run itself."""

    def __getattr__(self, name: str) -> Any:
        if find_spec(f"{self.__name__}.{name}") is not None:
            raise AttributeError(name)  # the import system's question; it goes on to import the module
        loader = self.__loader__
        assert isinstance(loader, SourceFileLoader)
        if name == "__version__" and (found := _VERSION.search(loader.get_source(self.__name__) or "")):
            return found[1]
        self.__class__ = ModuleType  # type: ignore[assignment]
        loader.exec_module(self)
        return getattr(self, name)


def _enter(package: str) -> None:
    spec = find_spec(package)
    if package in sys.modules or spec is None:
        return
    module = module_from_spec(spec)
    module.__class__ = _NotRun
    sys.modules[package] = module


_enter("aiohttp")

from aiohttp.streams import StreamReader  # noqa: E402
from aiohttp.web_protocol import RequestHandler, RequestPayloadError  # noqa: E402
from aiohttp.web_request import BaseRequest  # noqa: E402
from aiohttp.web_response import Response, StreamResponse  # noqa: E402
from aiohttp.web_server import Server  # noqa: E402

__all__ = [
    "BaseRequest",
    "RequestHandler",
    "RequestPayloadError",
    "Response",
    "Server",
    "StreamReader",
    "StreamResponse",
]
