"""The page's files, out of the package: a closed list, so that no path of a request is ever one of a file."""

from importlib.resources import files

from claude_sidecar.proxy import web

_FOLDER = files("claude_sidecar.proxy").joinpath("page")
_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_INDEX = "index.html"


def page_paths() -> dict[str, str]:
    """Names of files by the paths that they are asked for: `/`, and `/page/NAME`."""
    names = sorted(file.name for file in _FOLDER.iterdir() if file.name.rpartition(".")[2] in _TYPES)
    return {"/" if name == _INDEX else f"/page/{name}": name for name in names}


def page_response(name: str) -> web.Response:
    """A file of the page. name: one of `page_paths`."""
    kind = _TYPES[name.rpartition(".")[2]]
    return web.Response(body=_FOLDER.joinpath(name).read_bytes(), content_type=kind, charset="utf-8")
