"""The recipes of docs/clients.md, the table of what each client does, and a way to run them."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from support.project import ROOT

PAGE = ROOT / "docs" / "clients.md"
ADDRESS = "http://127.0.0.1:8787"
"""Of the sidecar, where a recipe has to name it."""

_SECTION = re.compile(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^```(python|js|go|sh)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| (\[[^|]+) \| ([^|]+) \| (yes|no) \| (?:none|`([^`]+)`) \| (\d+) \|$", re.MULTILINE)


@dataclass(frozen=True)
class Recipe:
    """A client as the page tells of it.

    setting: what stops its own repeats, None where nothing need be set; sends_without: how often it sends
    to an overloaded API without that; code: the block, in its language.
    """

    client: str
    tried: tuple[str, ...]
    heeds: bool
    setting: str | None
    sends_without: int
    language: str
    code: str

    @property
    def slug(self) -> str:
        """The client as a word."""
        return re.sub(r"[^a-z]+", "-", self.client.lower()).strip("-")

    def without(self, setting: str) -> str:
        """The code as somebody writes it who does not know of the setting."""
        code, times = re.subn(
            rf"(?:, |^ +|^){re.escape(setting)}(?:,?\n)?", "", self.code, flags=re.MULTILINE
        )
        assert times == 1, f"{self.client}: {setting} is not in its recipe"
        return code


def recipes() -> list[Recipe]:
    """Each row of the page's table, with the block in the section that it links to."""
    text = PAGE.read_text("utf-8")
    sections = {_slug(heading): _BLOCK.findall(body) for heading, body in _SECTION.findall(text)}
    found = []
    for cell, tried, heeds, setting, sends in _ROW.findall(text):
        name, anchor, rest = re.fullmatch(r"\[([^]]+)]\(#([\w-]+)\)(.*)", cell).groups()
        blocks = sections[anchor]
        language, code = next(one for one in blocks if one[0] == "js" or "JavaScript" not in rest)
        client = f"{name}{rest}".replace("`", "")
        versions = tuple(tried.split(", "))
        found.append(Recipe(client, versions, heeds == "yes", setting or None, int(sends), language, code))
    return found


def _slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def go_recipe() -> str:
    """The program of the one recipe that has to be compiled."""
    (code,) = (recipe.code for recipe in recipes() if recipe.language == "go")
    return code


def run(
    command: list[str], folder: Path, env: dict[str, str], timeout_s: float
) -> "subprocess.CompletedProcess[str]":
    """Run a client in a folder that is its home too, with no way out but to this machine.

    Raises `subprocess.TimeoutExpired` after ending what is not over by then.
    """
    nowhere = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    home = {"HOME": str(folder), "NO_PROXY": "127.0.0.1", "PATH": os.environ["PATH"]}
    quiet = {"LITELLM_LOCAL_MODEL_COST_MAP": "true", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}
    return subprocess.run(
        command,
        check=False,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        env=home | nowhere | quiet | env,
    )
