"""The operator in the cluster: reconciles ClaudePolicy objects, injects sidecars."""
