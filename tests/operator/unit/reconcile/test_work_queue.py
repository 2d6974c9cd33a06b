"""The queue: each key once at a time, failures later and later, nothing lost."""

import asyncio

import pytest

from claude_operator.reconcile.work_queue import LONGEST_RETRY_S, WorkQueue
from claude_sidecar import clock

pytestmark = pytest.mark.looptime


@pytest.fixture
def queue() -> WorkQueue[str]:
    return WorkQueue()


async def taken(queue: WorkQueue[str], within_s: float = 0.0) -> str | None:
    """The next key, if there is one within so many seconds."""
    try:
        async with asyncio.timeout(within_s + 0.001):
            return await queue.take()
    except TimeoutError:
        return None


async def test_key_that_is_added_twice_comes_once(queue: WorkQueue[str]) -> None:
    queue.add("a")
    queue.add("a")
    assert await taken(queue) == "a"
    queue.done("a")
    assert await taken(queue) is None


async def test_key_that_changes_while_it_is_worked_on_comes_again_after_that(queue: WorkQueue[str]) -> None:
    queue.add("a")
    assert await taken(queue) == "a"
    queue.add("a")
    assert await taken(queue) is None
    queue.done("a")
    assert await taken(queue) == "a"


async def test_keys_come_in_the_order_of_their_addition(queue: WorkQueue[str]) -> None:
    for key in "cab":
        queue.add(key)
    assert [await taken(queue) for _ in range(3)] == ["c", "a", "b"]


async def test_failed_key_comes_later_and_later_up_to_a_bound(queue: WorkQueue[str]) -> None:
    queue.add("a")
    waits = []
    for _ in range(14):
        assert await taken(queue, LONGEST_RETRY_S) == "a"
        waits.append(queue.failed("a"))
    assert waits[0] <= 0.2
    assert LONGEST_RETRY_S / 2 <= waits[-1] <= LONGEST_RETRY_S
    assert sum(waits[:4]) < sum(waits[4:8])


async def test_timer_that_wakes_early_by_a_hair_is_no_endless_loop(queue: WorkQueue[str]) -> None:
    queue.add_later("a", 1.0 + 5e-10)  # asyncio calls timers that are due within its clock's resolution, 1 ns
    assert await taken(queue, 2.0) == "a"


async def test_success_forgets_earlier_failures(queue: WorkQueue[str]) -> None:
    queue.add("a")
    for _ in range(6):
        assert await taken(queue, LONGEST_RETRY_S) == "a"
        queue.failed("a")
    assert await taken(queue, LONGEST_RETRY_S) == "a"
    queue.done("a")
    queue.add("a")
    assert await taken(queue) == "a"
    assert queue.failed("a") <= 0.2


async def test_server_that_asks_for_time_gets_it(queue: WorkQueue[str]) -> None:
    queue.add("a")
    assert await taken(queue) == "a"
    assert queue.failed("a", at_least_s=7) == 7
    assert await taken(queue, 6.9) is None
    assert await taken(queue, 0.2) == "a"


async def test_later_key_comes_when_it_is_due_and_the_earlier_date_wins(queue: WorkQueue[str]) -> None:
    queue.add_later("a", 30)
    queue.add_later("a", 5)
    queue.add_later("a", 60)
    began = clock.now()
    assert await taken(queue, 100) == "a"
    assert clock.now() - began == pytest.approx(5, abs=0.1)
    queue.done("a")
    assert await taken(queue, 100) is None


async def test_age_of_the_oldest_key_is_known(queue: WorkQueue[str]) -> None:
    assert queue.waiting_s() == 0
    queue.add("a")
    await clock.sleep(3)
    assert queue.waiting_s() == pytest.approx(3, abs=0.1)
