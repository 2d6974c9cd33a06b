"""Has kopf compare nothing, since no handler asks what changed."""

from collections.abc import Iterable
from typing import Any

import kopf


class NoEssence(kopf.DiffBaseStorage):
    """An empty essence of every object.

    For handlers of creations, updates, deletions, timers and daemons kopf holds an object's essence, most of
    it, against the one that it handled last. It builds the essence with each event, also where there are
    event handlers only: five sixths of its work for a pod of 10 kB. Whoever adds one of those handlers has to
    take this away, and to let kopf write to the objects, where it keeps what it handled.
    """

    def build(self, *, body: kopf.Body, extra_fields: Iterable[Any] | None = None) -> kopf.BodyEssence:
        """Nothing of the object; arguments as kopf gives them."""
        return kopf.BodyEssence()

    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:
        """Nothing was handled."""
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        """Called only after a handler that NoEssence rules out; raises TypeError."""
        raise TypeError("a handler of changes was added: choose another diffbase_storage in handlers.py")
