"""Namespaces of one test."""

import contextlib
from collections.abc import Callable, Iterator

from support.cluster.cluster import Cluster


@contextlib.contextmanager
def fresh_namespaces(cluster: Cluster) -> Iterator[Callable[..., str]]:
    """Makes them, `make(labels=...)`; their deletion begins when the block ends."""
    made: list[str] = []

    def make(**options: object) -> str:
        made.append(cluster.namespace(**options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for name in made:
        with contextlib.suppress(OSError):  # a test that failed may have left no server
            cluster.remove_namespace(name)
