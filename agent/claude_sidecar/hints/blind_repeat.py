"""A request that came again although its failure was delivered with the word not to repeat it."""

from claude_sidecar.hints.clients import Client


def blind_repeat_hint(client: Client) -> str:
    """That it was no help, and the setting of the client's that stops it."""
    return f"Sent again although told x-should-retry: false; {client.stop}"
