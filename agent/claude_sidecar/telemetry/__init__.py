"""Listeners: what happened in a call, told in metrics, spans, log lines and the request list."""
