"""The command `claude-operator`."""
