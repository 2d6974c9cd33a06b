# ruff: noqa: A005 - run as `python -m bench.operator`, never imported as `operator`
"""Benchmark of the reconciler: many policies and pods on a real API server."""
