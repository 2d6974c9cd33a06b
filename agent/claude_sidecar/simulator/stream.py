"""A completion as the events of a stream, in the order in which the API sends them."""

from dataclasses import replace

from claude_sidecar.simulator.answer import PING, Event, Usage, event
from claude_sidecar.simulator.reply import Block, Reply


def events(reply: Reply) -> list[Event]:
    """Every event of *reply*, from `message_start` to `message_stop`.

    Each says how many output tokens it carries, and the usage that a reader knows once it has it.
    """
    head = event("message_start", {"type": "message_start", "message": reply.message(started=True)})
    listed = [Event(head, usage=usage(reply, 1, whole=False))]
    produced = 0
    for index, block in enumerate(reply.blocks):
        listed.append(_start(index, block))
        if index == 0:
            listed.append(Event(PING))
        for delta, tokens in block.pieces:
            produced += tokens
            data = {"type": "content_block_delta", "index": index, "delta": delta}
            listed.append(Event(event("content_block_delta", data), tokens, produced=produced))
        stop = {"type": "content_block_stop", "index": index}
        listed.append(Event(event("content_block_stop", stop), produced=produced))
    listed.append(_delta(reply))
    listed.append(Event(event("message_stop", {"type": "message_stop"}), produced=reply.output_tokens))
    return listed


def usage(reply: Reply, output_tokens: int, *, whole: bool = True) -> Usage:
    """The usage of *reply* as the ledger holds it, as far as *output_tokens*: whole, or as it begins."""
    given, tools = reply.given, reply.server_tools
    begun = Usage(
        input_tokens=given.fresh,
        output_tokens=output_tokens,
        cache_creation_input_tokens=given.created_5m + given.created_1h,
        cache_read_input_tokens=given.read,
        cache_creation_1h_input_tokens=given.created_1h,
    )
    if not whole:
        return begun
    return replace(
        begun,
        input_tokens=given.fresh + tools.input_tokens,
        thinking_tokens=reply.thinking_tokens,
        web_search_requests=tools.searches,
        web_fetch_requests=tools.fetches,
    )


def _start(index: int, block: Block) -> Event:
    data = {"type": "content_block_start", "index": index, "content_block": block.start}
    return Event(event("content_block_start", data))


def _delta(reply: Reply) -> Event:
    delta = {"stop_reason": reply.stop_reason, "stop_sequence": None}
    data = {"type": "message_delta", "delta": delta, "usage": reply.final_usage()}
    final = usage(reply, reply.output_tokens)
    return Event(event("message_delta", data), usage=final, produced=reply.output_tokens)
