"""Takes the pictures of the admin page for the docs: `python tools/page_picture.py [--minutes N] [FOLDER]`.

The apps of a shop call a simulated API through a real sidecar, with faults by a script; then a headless
browser photographs the page by day, by night and at a phone's width. Chromium and pngquant come from PATH, or
on Debian, to root, by apt.
"""

import argparse
import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import count, cycle
from pathlib import Path

import aiohttp

import browser
from chromium import chromium
from claude_sidecar.demo.sidecar_process import sidecar_process
from claude_sidecar.simulator import Scenario, Simulator
from claude_sidecar.simulator.rule import Match, Rule
from claude_sidecar.simulator.scenario import AnswerShape, Key, Limits, Timing
from debian_program import from_debian
from locked_folder import ROOT
from toolchain import run, say

PICTURES = ROOT / "docs"
MOST_BYTES = 200_000
DESK, PHONE = (1360, 1840), (390, 1500)
SHOP_KEY, BATCH_KEY, SECOND_KEY = (f"sk-ant-api03-picture-of-{name}" for name in ("shop", "batch", "second"))
POLICY = """\
apiVersion: claude-sidecar.dev/v1alpha1
kind: ClaudePolicy
metadata: {name: shop, namespace: default}
spec:
  routes:
    - {name: anthropic, endpoint: UPSTREAM}
    - name: second-org
      endpoint: UPSTREAM
      credential: {env: SECOND_ORG_KEY}
      models: [{name: claude-opus-5}, {name: claude-sonnet-5}]
  prices:
    - {model: claude-opus-5, inputPerMTok: "5", outputPerMTok: "25"}
    - {model: claude-sonnet-5, inputPerMTok: "2", outputPerMTok: "10"}
    - {model: claude-haiku-4-5, inputPerMTok: "1", outputPerMTok: "5"}
"""


@dataclass(frozen=True)
class App:
    """One app of the shop: what it asks for, how many seconds apart, and how many calls at once."""

    feature: str
    model: str
    key: str
    every_s: float
    stream: bool = False
    prompt_bytes: int = 2_000
    burst: int = 1


APPS = (
    App("search", "claude-sonnet-5", SHOP_KEY, 0.9),
    App("digest", "claude-sonnet-5", SHOP_KEY, 60.0, burst=40),
    App("chat", "claude-opus-5", SHOP_KEY, 0.9, stream=True, prompt_bytes=6_000),
    App("summaries", "claude-haiku-4-5-20251001", BATCH_KEY, 1.5, prompt_bytes=24_000),
    App("moderation", "claude-sonnet-5", BATCH_KEY, 2.5, stream=True),
    App("old-report", "claude-opus-4.7", SHOP_KEY, 30.0),
)


def scenario(minutes: float) -> Scenario:
    """An API whose first organisation is overloaded for Opus twice, and tight in output tokens."""
    whole_s = minutes * 60
    overloaded = [(0.25 * whole_s, 0.4 * whole_s), (whole_s - 45, None)]
    first, opus = "shop", "claude-opus-5"
    return Scenario(
        seed=7,
        keys=(
            Key(name=first, key=SHOP_KEY, limits=Limits(rpm=400, itpm=400_000, otpm=9_600)),
            Key(name="batch", key=BATCH_KEY, limits=Limits(rpm=50, itpm=400_000, otpm=80_000)),
            Key(name="second", key=SECOND_KEY, limits=Limits(rpm=1_000, itpm=2_000_000, otpm=400_000)),
        ),
        timing=Timing(first_token=0.25, tokens_per_second=150),
        answer=AnswerShape(output_tokens=(30, 140)),
        rules=(
            *(Rule(match=Match(key=first, model=opus, window=window), status=529) for window in overloaded),
            Rule(match=Match(key="batch", call="every 31"), status=500),
            Rule(match=Match(key=first, stream=True, call="every 70"), truncate_at_event=9),
        ),
    )


async def play(app: App, url: str, client: aiohttp.ClientSession, conversations: Iterator[str]) -> None:
    """Make an app's calls until cancelled."""
    async with asyncio.TaskGroup() as calls:
        for number in count():
            for of_burst in range(app.burst):
                # Never the same bytes twice: that would be a client's repeat.
                prompt = f"Say something about the sea, {number}.{of_burst}."
                calls.create_task(ask(app, url, client, next(conversations), prompt))
            await asyncio.sleep(app.every_s)


async def ask(app: App, url: str, client: aiohttp.ClientSession, conversation: str, prompt: str) -> None:
    """Make one call; how it ends is what the page will tell."""
    body = {
        "model": app.model,
        "max_tokens": 200,
        "stream": app.stream,
        "messages": [{"role": "user", "content": prompt.ljust(app.prompt_bytes, ".")}],
    }
    headers = {
        "x-api-key": app.key,
        "anthropic-version": "2023-06-01",
        "x-claude-feature": app.feature,
        "x-claude-code-session-id": conversation,
    }
    try:
        async with client.post(f"{url}/v1/messages", json=body, headers=headers) as response:
            await response.read()
    except aiohttp.ClientError as error:
        say(f"{app.feature}: {error}")


@contextlib.asynccontextmanager
async def traffic(url: str) -> AsyncIterator[None]:
    """Every app calls until the end of the block."""
    conversations = cycle([f"session-{number}" for number in range(1, 9)])
    async with aiohttp.ClientSession() as client:
        playing = [asyncio.create_task(play(app, url, client, conversations)) for app in APPS]
        try:
            yield
        finally:
            for each in playing:
                each.cancel()
            await asyncio.gather(*playing, return_exceptions=True)


async def photograph(url: str, folder: Path) -> None:
    """The page by day and by night with a cured call opened, and on a phone."""
    with browser.running(chromium()) as address:
        for name, (width, height), scheme in (
            ("page-light", DESK, "light"),
            ("page-dark", DESK, "dark"),
            ("page-phone", PHONE, "light"),
        ):
            async with browser.page(address) as page:
                await page.look(width, height, scheme=scheme, mobile=name == "page-phone")
                await page.open(url)
                await page.until("document.querySelector('.call') && document.querySelector('.tile')")
                if name != "page-phone":
                    await page.evaluate("document.getElementById('troubled').click()")
                    cured = "document.querySelector('.call:has(.state.cured) .opener')"
                    await page.until(cured)
                    await page.evaluate(f"{cured}.click(), document.activeElement.blur()")
                keep(await page.picture(), folder / f"{name}.png")
                if page.errors:
                    raise SystemExit(f"make: the page complains: {page.errors}")


def keep(png: bytes, picture: Path) -> None:
    """Keep a picture with as few colours as it needs."""
    with tempfile.NamedTemporaryFile(suffix=".png") as raw:
        raw.write(png)
        raw.flush()
        run(from_debian("pngquant"), "--force", "--quality=90-100", "--output", picture, raw.name)
    size = picture.stat().st_size
    if size > MOST_BYTES:
        raise SystemExit(f"make: {picture} has {size} bytes, more than {MOST_BYTES}")
    say(f"{picture} has {size / 1000:.0f} kB")


async def main() -> None:
    """Play, then take them."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--minutes", type=float, default=10, help="how long the apps call, default 10")
    asked.add_argument("folder", type=Path, nargs="?", default=PICTURES)
    given = asked.parse_args()
    upstream = Simulator(scenario(given.minutes))
    say(f"the apps call for {given.minutes:g} minutes")
    async with (
        upstream.running() as url,
        sidecar_process(POLICY.replace("UPSTREAM", url), {"SECOND_ORG_KEY": SECOND_KEY}) as sidecar,
        traffic(sidecar.url),
    ):
        await asyncio.sleep(given.minutes * 60)
        await photograph(sidecar.admin_url, given.folder)


if __name__ == "__main__":
    asyncio.run(main())
