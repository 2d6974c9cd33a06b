"""A headless Chromium and its pages, by the DevTools protocol: https://chromedevtools.github.io/devtools-protocol/.

A hundred lines over the websocket that aiohttp has, instead of a driver's package with a browser of its own.
"""

import asyncio
import base64
import contextlib
import itertools
import json
import os
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp

_QUIET = ("gpu", "quic", "background-networking", "component-update", "sync", "extensions", "default-apps")
_READY_S = 60.0
_ANSWER_S = 60.0
_UNTIL_MS = 15_000
_MOST_BYTES = 64 << 20
_KEYS = {"Enter": ("Enter", 13, "\r"), "Tab": ("Tab", 9, ""), "Space": ("Space", 32, " ")}
_UNTIL = """
new Promise((resolve, reject) => {
  const last = performance.now() + %d;
  const look = () => {
    const said = (%s);
    if (said) resolve(said);
    else if (performance.now() > last) reject(new Error("not in time: " + %s));
    else setTimeout(look, 20);
  };
  look();
})
"""


class PageError(AssertionError):
    """What was asked of a page went wrong in it."""


@contextlib.contextmanager
def running(program: str) -> Iterator[str]:
    """A browser with a profile of its own until the end of the block; yields its DevTools address."""
    with tempfile.TemporaryDirectory(prefix="claude-sidecar-browser-", ignore_cleanup_errors=True) as folder:
        profile, log = Path(folder, "profile"), Path(folder, "log")
        flags = [f"--disable-{name}" for name in _QUIET]
        flags += ["--headless", "--no-first-run", "--hide-scrollbars", "--remote-debugging-port=0"]
        flags += ["--no-sandbox"] if os.geteuid() == 0 else []
        with log.open("wb") as out:
            command = [program, *flags, f"--user-data-dir={profile}", "about:blank"]
            process = subprocess.Popen(command, stdout=out, stderr=out)
        try:
            yield _address(process, profile / "DevToolsActivePort", log)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _address(process: "subprocess.Popen[bytes]", told: Path, log: Path) -> str:
    last = time.monotonic() + _READY_S
    while time.monotonic() < last and process.poll() is None:
        lines = told.read_text().split() if told.exists() else []
        if len(lines) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        time.sleep(0.05)
    raise SystemExit(f"{log.read_text('utf-8', 'replace')}\nmake: the browser did not start: see above")


class Page:
    """One page in a context of its own, so that pages share no cache and no storage.

    errors: what its console, its scripts and its loader complained of. requested: every URL it asked for.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.errors: list[str] = []
        self.requested: list[str] = []
        self._socket = socket
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._session: str | None = None

    async def send(self, method: str, **params: Any) -> dict[str, Any]:
        """The result of a command."""
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        session = {"sessionId": self._session} if self._session else {}
        await self._socket.send_json({"id": number, "method": method, "params": params, **session})
        async with asyncio.timeout(_ANSWER_S):
            message = await answer
        if "error" in message:
            raise PageError(f"{method}: {message['error']['message']}")
        result: dict[str, Any] = message["result"]
        return result

    async def listen(self) -> None:
        """Read what the browser says until the connection ends."""
        async for frame in self._socket:
            message = json.loads(frame.data)
            if "id" in message:
                self._waiting.pop(message["id"]).set_result(message)
            else:
                self._note(message.get("method", ""), message.get("params", {}))

    def _note(self, method: str, params: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.requested.append(params["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.errors.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.errors.append(str([each.get("value") for each in params["args"]]))

    async def attach(self) -> None:
        """Make the page, and hear of all that it does."""
        context = (await self.send("Target.createBrowserContext"))["browserContextId"]
        made = await self.send("Target.createTarget", url="about:blank", browserContextId=context)
        attached = await self.send("Target.attachToTarget", targetId=made["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            await self.send(f"{domain}.enable")

    async def open(self, url: str) -> None:
        """Go to a URL until it has loaded, style and scripts too; what these ask for may still come."""
        if error := (await self.send("Page.navigate", url=url)).get("errorText"):
            raise PageError(f"{url}: {error}")
        await self.until("document.readyState === 'complete'")

    async def evaluate(self, expression: str) -> Any:
        """What a JavaScript expression, or its promise, comes to."""
        asked = {"expression": expression, "awaitPromise": True, "returnByValue": True, "userGesture": True}
        result = await self.send("Runtime.evaluate", **asked)
        if details := result.get("exceptionDetails"):
            raise PageError(details.get("exception", {}).get("description") or details["text"])
        return result["result"].get("value")

    async def until(self, expression: str) -> Any:
        """The same once it is true; PageError after 15 s."""
        return await self.evaluate(_UNTIL % (_UNTIL_MS, expression, json.dumps(expression)))

    async def press(self, key: str, *, shift: bool = False) -> None:
        """Press a key, a named one or a single character."""
        code, number, text = _KEYS.get(key, (key, 0, key if len(key) == 1 else ""))
        about = {"key": text if key == "Space" else key, "code": code, "windowsVirtualKeyCode": number}
        about |= {"modifiers": 8 if shift else 0}
        await self.send("Input.dispatchKeyEvent", type="keyDown", text=text, **about)
        await self.send("Input.dispatchKeyEvent", type="keyUp", **about)

    async def look(self, width: int, height: int, *, scheme: str = "light", mobile: bool = False) -> None:
        """Set the window's size in CSS pixels and the colour scheme that its user likes."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile}
        await self.send("Emulation.setDeviceMetricsOverride", **size)
        liked = [{"name": "prefers-color-scheme", "value": scheme}]
        await self.send("Emulation.setEmulatedMedia", features=liked)

    async def picture(self) -> bytes:
        """The window as PNG."""
        return base64.b64decode((await self.send("Page.captureScreenshot", format="png"))["data"])


@contextlib.asynccontextmanager
async def page(address: str) -> AsyncIterator[Page]:
    """A new page in the browser at a DevTools address, closed with the block."""
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(address, max_msg_size=_MOST_BYTES) as socket,
    ):
        made = Page(socket)
        listening = asyncio.create_task(made.listen())
        try:
            await made.attach()
            yield made
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
