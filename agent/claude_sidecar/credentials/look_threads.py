"""Threads for work that may hang: nobody waits for them, not even the end of the process."""

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any


class LookThreads(Executor):
    """A daemon thread for each piece of work.

    The event loop's own executor, as every pool of concurrent.futures, is joined when the process ends, and a
    read from a volume that is away cannot be broken off. How many there are is up to who submits.
    """

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As Executor.submit. Raises RuntimeError where no thread can be started."""
        done: Future[Any] = Future()

        def work() -> None:
            if not done.set_running_or_notify_cancel():
                return
            try:
                done.set_result(fn(*args, **kwargs))
            except BaseException as error:
                done.set_exception(error)

        threading.Thread(target=work, name="credential-look", daemon=True).start()
        return done
