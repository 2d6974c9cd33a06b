"""Sixteen troubles, each with the right end stated beforehand, met without and with the sidecar."""
