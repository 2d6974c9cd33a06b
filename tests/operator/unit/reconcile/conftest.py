"""The reconciling parts at work on a scripted API server."""

import contextlib
from collections.abc import AsyncIterator

import pytest
from support.operator.reconciling import Reconciling, Start
from support.operator.scripted.api import ScriptedApi
from support.operator.scripted.policies import Policies


@pytest.fixture
async def start(api: ScriptedApi, virtual_wall_clock: None) -> AsyncIterator[Start]:
    """Starts what decides and writes, `await start(asks=True)`: in the test, where time is virtual."""
    async with contextlib.AsyncExitStack() as stack:

        async def begin(**options: bool) -> Reconciling:
            return await stack.enter_async_context(Reconciling(api, **options).running())

        yield begin


@pytest.fixture
def policies(api: ScriptedApi) -> Policies:
    """What a user of namespace `shop` does and sees."""
    return Policies(api)
