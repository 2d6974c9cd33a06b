"""`claude-sidecar doctor`: what is wrong with a key, a model's name, a base URL or the way to it."""
