"""`python -m claude_sidecar` is the command `claude-sidecar`."""

from claude_sidecar.cli.main import main

main()
