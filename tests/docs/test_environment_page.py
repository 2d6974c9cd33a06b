"""docs/environment.md names every variable that the agent reads."""

import re

from support.project import ROOT

PAGE = (ROOT / "docs" / "environment.md").read_text(encoding="utf-8")
READ = re.compile(r"\"(CLAUDE_SIDECAR_[A-Z_]+[A-Z]|SSL[A-Z_]*FILE|SSL_CERT_DIR|[A-Z]+_PROXY)\"")


def variables() -> set[str]:
    sources = (ROOT / "agent" / "claude_sidecar").rglob("*.py")
    return {name for source in sources for name in READ.findall(source.read_text(encoding="utf-8"))}


def test_each_variable_that_is_read_is_on_the_page() -> None:
    read = variables()
    assert {"HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "CLAUDE_SIDECAR_POLICY"} <= read
    assert sorted(name for name in read if f"`{name}`" not in PAGE) == []
