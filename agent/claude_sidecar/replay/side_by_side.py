"""Two policies through one outage: at once, where it takes a while and there is a second processor."""

import multiprocessing
import os
import signal
from multiprocessing.connection import Connection

from claude_sidecar.replay.course import Course
from claude_sidecar.replay.outage import Outage
from claude_sidecar.replay.play import Progress, play
from claude_sidecar.schema.snapshot import Snapshot

_WORTH_A_PROCESS = 2_500
"""Calls from which on the start of a second process is little of the whole."""


def play_both(
    outage: Outage, old: Snapshot, new: Snapshot, seed: int, progress: Progress
) -> tuple[Course, Course]:
    """The courses under both policies; progress: how far both are, on average.

    They have nothing in common but the seed, so it makes no difference whether they are played at once.
    """
    if len(outage.calls) < _WORTH_A_PROCESS or not _has_two_processors():
        first = play(outage, old, seed, lambda ended: progress(ended // 2))
        return first, play(outage, new, seed, lambda ended: progress((len(first.ends) + ended) // 2))
    # Forked, since an outage holds what can't be sent: where its answers are looked up. We have no threads.
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_play_there, args=(there, outage, old, seed))
    process.start()
    there.close()
    try:
        second = play(outage, new, seed, progress)
        ends, spent, assumed = here.recv()
    finally:
        process.terminate()
        process.join()
    return Course(old, ends, spent, assumed), second


def _has_two_processors() -> bool:
    return hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0)) > 1


def _play_there(there: Connection, outage: Outage, snapshot: Snapshot, seed: int) -> None:
    # Who interrupts us is answered by the process that waits for us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    course = play(outage, snapshot, seed)
    there.send((course.ends, course.spent, course.assumed))
