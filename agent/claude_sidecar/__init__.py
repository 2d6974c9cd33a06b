"""A sidecar that carries calls to the Claude API through rate limits, overloads and broken streams."""

__version__ = "0.1.0"
