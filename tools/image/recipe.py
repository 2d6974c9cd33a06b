"""Which images there are, and what each is made from."""

import re
from dataclasses import dataclass
from pathlib import Path

from locked_folder import ROOT, digest

REQUIREMENTS = ROOT / "requirements"
PIP_LOCK = REQUIREMENTS / "image-build.txt"
BUILT_AT = 1767225600
"""The date of every file in an image, the start of 2026: the same sources give the same bytes on any day."""


def project_version() -> str:
    """The version that the package says of itself."""
    said = (ROOT / "agent" / "claude_sidecar" / "__init__.py").read_text()
    found = re.search(r'^__version__ = "(.+)"$', said, re.MULTILINE)
    assert found, "agent/claude_sidecar/__init__.py has no __version__"
    return found[1]


def project_files() -> list[Path]:
    """What the project's own wheel is made from."""
    code = [path for folder in ("agent", "operator") for path in (ROOT / folder).rglob("*")]
    named = [ROOT / name for name in ("pyproject.toml", "README.md", "LICENSE")]
    return sorted(path for path in code + named if path.is_file() and path.suffix != ".pyc")


@dataclass(frozen=True)
class Recipe:
    """One image.

    *name* and *version* make its tag and its file; *lock* is the file of its packages; *project* says whether
    the project's own wheel is in it too.
    """

    name: str
    version: str
    containerfile: Path
    lock: Path
    project: bool

    @property
    def tag(self) -> str:
        return f"localhost/{self.name}:{self.version}"

    @property
    def file_name(self) -> str:
        return f"{self.name}-{self.version}.tar"

    def key(self, base_key: str) -> str:
        """All that the image depends on, but for the engine: that must not matter."""
        files = [self.containerfile, self.lock, PIP_LOCK, *sorted(Path(__file__).parent.glob("*.py"))]
        files += project_files() if self.project else []
        names = [str(path.relative_to(ROOT)) for path in files]
        return digest(self.tag, base_key, *names, *files)


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("claude-sidecar", project_version(), ROOT / "Containerfile", REQUIREMENTS / "image.txt", True),
        Recipe(
            "claude-app",
            "1",
            Path(__file__).parent / "test-app.Containerfile",
            REQUIREMENTS / "test-app.txt",
            False,
        ),
    )
}
