"""The files of the page: small, of this project alone, none that could make markup of strangers' words."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

PAGE = Path(str(files("claude_sidecar.proxy").joinpath("page")))
FILES = sorted(PAGE.iterdir())
MODULES = [path for path in FILES if path.suffix == ".js"]
INDEX = (PAGE / "index.html").read_text("utf-8")
MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|setHTML|createContextual|eval\("
)


def test_the_page_is_html_style_and_modules() -> None:
    assert {path.suffix for path in FILES} == {".html", ".css", ".js"}
    assert len(MODULES) > 10


def test_the_page_is_small() -> None:
    assert sum(path.stat().st_size for path in FILES) < 72 << 10
    assert [path.name for path in FILES if len(path.read_text("utf-8").splitlines()) >= 300] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_makes_no_markup_of_text(path: Path) -> None:
    assert MARKUP.search(path.read_text("utf-8")) is None


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_names_no_other_host(path: Path) -> None:
    hosts = set(re.findall(r"(?:https?:)?//[\w.-]+\.[a-z]+", path.read_text("utf-8")))
    assert hosts <= {"http://www.w3.org"}, "the SVG namespace is a name, nothing that is fetched"


def test_the_page_has_no_inline_script_style_or_handler() -> None:
    assert re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", INDEX) is None


def test_every_module_but_the_first_is_preloaded_so_that_none_waits_for_another() -> None:
    preloaded = re.findall(r'rel="modulepreload" href="/page/(\w+\.js)"', INDEX)
    assert preloaded == [path.name for path in MODULES if path.name != "main.js"]


def test_every_element_that_a_module_asks_for_by_its_id_is_there() -> None:
    made = {f"by-{name}" for name in ("key", "model", "status", "route", "feature", "conversation")}
    there = set(re.findall(r'\sid="([\w-]+)"', INDEX)) | made
    asked = {name for path in MODULES for name in re.findall(r'byId\("([\w-]+)"\)', path.read_text("utf-8"))}
    assert len(asked) > 20
    assert asked - there == set()
