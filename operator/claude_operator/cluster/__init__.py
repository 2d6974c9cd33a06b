"""The API server: how to reach it and what to ask of it."""
