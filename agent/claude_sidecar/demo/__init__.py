"""The whole thing on one machine: simulator, sidecar, official SDK."""
