"""Each recipe of docs/clients.md, as it stands, through the sidecar: it is answered, and repeats nothing."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from support.free_ports import free_ports
from support.project import ROOT
from support.recipes import ADDRESS, Recipe, recipes, run
from tests.clients.conftest import get_json, running

RECIPES = {recipe.slug: recipe for recipe in recipes()}
FRAMEWORKS = ("langchain-for-python", "llamaindex", "dspy", "litellm")
DRIVERS = ROOT / "tests" / "clients" / "drivers"
SITUATIONS = ("well", "listing", "overloaded", "overloaded-unset", "overloaded-told", "cut", "cut-unset")
LOCKED = {
    "python-sdk": ("anthropic", "anthropic-0x"),
    "typescript-sdk": ("@anthropic-ai/sdk", "sdk-0x"),
    "go-sdk": ("anthropic-sdk-go/v2", "anthropic-sdk-go"),
    "claude-code": ("@anthropic-ai/claude-code",),
    "langchain-for-python": ("langchain-anthropic",),
    "langchain-for-javascript": ("@langchain/anthropic",),
    "vercel-ai": ("ai",),
    "llamaindex": ("llama-index-llms-anthropic",),
    "dspy": ("dspy",),
    "litellm": ("litellm",),
}
"""The packages of each client, as they are locked."""
SCENARIO = {
    "answer": {"text": "Hello."},
    "rules": [
        {"match": {"key": "*overloaded*", "path": "/v1/messages"}, "status": 529},
        {"match": {"key": "*cut*", "stream": True}, "truncate_at_event": 4, "mode": "reset"},
    ],
}
POLICY = {
    "apiVersion": "claude-sidecar.dev/v1alpha1",
    "kind": "ClaudePolicy",
    "metadata": {"name": "recipes"},
    "spec": {"routes": [{"name": "simulated"}], "retry": {"maxAttempts": 1}},
}


class Trial(NamedTuple):
    """What a client printed, how it ended (None: not in time), and what the API saw it send of messages."""

    text: str
    code: int | None
    sends: list[dict[str, Any]]


Try = Callable[..., Trial]


def each(slugs: list[str]) -> Any:
    """Each of these clients, marked by what it needs."""

    def need(slug: str) -> str:
        return "claude_code" if slug == "claude-code" else "frameworks" if slug in FRAMEWORKS else "sdks"

    marked = [pytest.param(slug, marks=getattr(pytest.mark, need(slug))) for slug in slugs]
    return pytest.mark.parametrize("slug", marked)


def key_named(name: str) -> str:
    return f"sk-ant-api03-{name.replace('.', '-')}"


def locked(package: str) -> str:
    """The version in a lock file: of npm, Go or pip."""
    for lock in sorted(DRIVERS.glob("*/package-lock.json")):
        entry = json.loads(lock.read_text())["packages"].get(f"node_modules/{package}")
        if entry is not None:
            return str(entry["version"])
    go = re.search(rf"/{package} v(\S+)", (DRIVERS / "go" / "go.mod").read_text())
    if go is not None:
        return go[1]
    file = {"anthropic": "dev", "anthropic-0x": "anthropic-0x"}.get(package, "frameworks")
    name = package.removesuffix("-0x")
    found = re.search(
        rf"^{name}(?:\[.*])?==(\S+)", (ROOT / "requirements" / f"{file}.txt").read_text(), re.MULTILINE
    )
    assert found is not None, package
    return found[1]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The addresses of a sidecar that sends once and of the simulated API, which knows a key a trial."""
    folder = tmp_path_factory.mktemp("recipes")
    api_port, port, admin = free_ports(3)
    names = [f"{slug}.{situation}" for slug in RECIPES for situation in SITUATIONS]
    keys = [{"name": name, "key": key_named(name)} for name in names]
    (folder / "scenario.yaml").write_text(yaml.safe_dump(SCENARIO | {"keys": keys}))
    POLICY["spec"]["routes"][0]["endpoint"] = f"http://127.0.0.1:{api_port}"
    (folder / "policy.yaml").write_text(yaml.safe_dump(POLICY))
    simulate = ("simulate", "--port", str(api_port), "--scenario", str(folder / "scenario.yaml"))
    sidecar = (
        "run",
        "--policy",
        str(folder / "policy.yaml"),
        "--port",
        str(port),
        "--admin-port",
        str(admin),
    )
    with running(folder / "api.log", api_port, *simulate), running(folder / "log", port, *sidecar):
        yield f"http://127.0.0.1:{port}", f"http://127.0.0.1:{api_port}"


def tool(name: str, *arguments: str) -> str:
    """What one of the project's tools prints."""
    command = [sys.executable, str(ROOT / "tools" / name), *arguments]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


@pytest.fixture(scope="session")
def frameworks() -> str:
    """The folder of what takes long to install; got where it is missing."""
    return tool("heavy_clients.py", "frameworks")


@pytest.fixture(scope="session")
def claude_code() -> str:
    """The program, likewise."""
    return tool("heavy_clients.py", "claude-code")


@pytest.fixture
def command(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Recipe, str], Any]:
    """How to run a recipe's code, and with which variables besides; gets what it needs, and no more."""

    def made(recipe: Recipe, code: str) -> tuple[list[str], dict[str, str]]:
        if recipe.language == "python":
            (tmp_path / "recipe.py").write_text(code)
            heavy = recipe.slug in FRAMEWORKS
            path = {"PYTHONPATH": request.getfixturevalue("frameworks")} if heavy else {}
            return [sys.executable, "recipe.py"], path
        if recipe.language == "sh":
            program = Path(request.getfixturevalue("claude_code"))
            return ["sh", "-ec", code], {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}
        drivers = request.getfixturevalue("drivers")
        if recipe.language == "go":
            return drivers["go-recipe"], {}
        (tmp_path / "recipe.mjs").write_text(code)
        (tmp_path / "node_modules").symlink_to(DRIVERS / "node" / "node_modules")
        return [drivers["node-new"][0], "recipe.mjs"], {}

    return made


@pytest.fixture
def trial(world: tuple[str, str], command: Callable[[Recipe, str], Any], tmp_path: Path) -> Try:
    """Run a client's recipe, or other code in its place, with the key of one of the situations."""
    sidecar, api = world

    def tried(slug: str, situation: str, code: str | None = None, timeout_s: float = 100) -> Trial:
        name, recipe = f"{slug}.{situation}", RECIPES[slug]
        arguments, env = command(recipe, (code or recipe.code).replace(ADDRESS, sidecar))
        env |= {"ANTHROPIC_BASE_URL": sidecar, "ANTHROPIC_API_KEY": key_named(name)}
        try:
            ended = run(arguments, tmp_path, env, timeout_s)
            text, status = ended.stdout + ended.stderr, ended.returncode
        except subprocess.TimeoutExpired:
            text, status = "", None
        calls = get_json(f"{api}/_simulator/ledger")["calls"]
        sends = [call for call in calls if call["key"] == name and call["path"] == "/v1/messages"]
        return Trial(text, status, sends)

    return tried


@each(list(RECIPES))
def test_a_recipe_gets_an_answer(slug: str, trial: Try) -> None:
    text, code, sends = trial(slug, "well")
    assert (code, [call["status"] for call in sends]) == (0, [200]), text
    assert "Hello." in text


@each(list(RECIPES))
def test_a_recipe_sends_once_where_the_api_is_overloaded(slug: str, trial: Try) -> None:
    text, code, sends = trial(slug, "overloaded")
    assert [call["status"] for call in sends] == [529], text
    assert code != 0
    assert "overloaded" in text.lower()


@each([slug for slug, recipe in RECIPES.items() if recipe.setting is not None])
def test_a_client_without_its_setting_sends_as_often_as_the_page_says(slug: str, trial: Try) -> None:
    recipe = RECIPES[slug]
    patience_s = 12 if recipe.language == "js" else 30  # importing DSPy alone takes seconds
    code = recipe.without(str(recipe.setting))
    text, ended, sends = trial(slug, "overloaded-unset", code, timeout_s=patience_s)
    assert 1 < len(sends) <= recipe.sends_without, text
    assert ended is None or len(sends) == recipe.sends_without, "it was over in time"


@pytest.mark.frameworks
def test_litellm_does_not_look_at_the_header_once_it_is_told_to_repeat(trial: Try) -> None:
    told = RECIPES["litellm"].code.replace("max_tokens=200,", "max_tokens=200, num_retries=2,")
    text, _, sends = trial("litellm", "overloaded-told", told)
    assert len(sends) == 3, text


@pytest.mark.claude_code
def test_claude_code_sends_a_broken_stream_again_unless_it_is_told_not_to(trial: Try) -> None:
    careless = RECIPES["claude-code"].without("export CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK=1")
    text, _, sends = trial("claude-code", "cut")
    assert [call["stream"] for call in sends] == [True], text
    text, _, sends = trial("claude-code", "cut-unset", careless)
    assert [call["stream"] for call in sends] == [True, False], text


@pytest.mark.claude_code
def test_claude_code_asks_which_models_there_are(trial: Try, world: tuple[str, str]) -> None:
    trial("claude-code", "listing")
    calls = get_json(f"{world[1]}/_simulator/ledger")["calls"]
    listed = [call for call in calls if call["key"] == "claude-code.listing" and call["path"] == "/v1/models"]
    assert [(call["query"], call["status"]) for call in listed] == [("limit=1000", 200)]


@pytest.mark.parametrize("slug", RECIPES)
def test_the_page_says_which_versions_were_tried(slug: str) -> None:
    for version, package in zip(RECIPES[slug].tried, LOCKED[slug], strict=True):
        assert version == ".".join(locked(package).split(".")[:2]), package
