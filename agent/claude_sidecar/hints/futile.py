"""Calls that are cut at the same age again and again: a time-out on the way, not the upstream's trouble."""


def futile_hint(cut_after_s: float) -> str:
    """Where cold prompts are cut, and what to do; cut_after_s: the silence after which they are."""
    return (
        f"Cold prompts are cut there at about {cut_after_s:.0f} s: something on the way to this route ends "
        "connections that stay silent so long, so repeats cannot succeed. Raise that idle time-out (proxy, "
        "load balancer, NAT), stream the answer, keep the prompt cache warm, or shorten the prompt."
    )
