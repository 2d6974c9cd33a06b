"""Keeps the tests of this folder from leaking an event loop."""

import asyncio

# looptime asks for the current event loop around every test, and Python 3.11 makes one where none was ever
# set: a loop that nobody closes. Having set none, once, makes the question fail, which looptime expects.
asyncio.set_event_loop(None)
