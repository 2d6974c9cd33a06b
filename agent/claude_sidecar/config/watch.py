"""Follows a policy file: good new content is put in force, bad content is told and the last good stays."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from claude_sidecar import clock
from claude_sidecar.config.load import Loaded, load_bytes, load_default, read_bytes
from claude_sidecar.config.problem import CredentialsMissing, PolicyInvalid
from claude_sidecar.config.surroundings import surroundings_of
from claude_sidecar.schema.snapshot import Route


class PolicyWatcher:
    """Looks at a policy file every second.

    path: followed through symlinks at each look, as a mounted ConfigMap swaps them. on_policy: called with
    each new good policy. on_error: called once for each bad content, and again when what is wrong with it
    changes. env: where `credential.env` is looked up, by default the process's environment. leads_back:
    whether a route leads to this very process, which is a fault of the policy.
    """

    def __init__(
        self,
        path: Path,
        on_policy: Callable[[Loaded], None],
        on_error: Callable[[PolicyInvalid], None],
        env: Mapping[str, str] | None = None,
        interval_s: float = 1.0,
        leads_back: Callable[[Route], bool] | None = None,
    ) -> None:
        self._path = path
        self._on_policy = on_policy
        self._on_error = on_error
        self._env = env
        self._interval_s = interval_s
        self._leads_back = leads_back
        self._is_injected = surroundings_of(os.environ if env is None else env).injected
        self._content: bytes | None = None
        self._fault: PolicyInvalid | None = None

    def load_first(self) -> Loaded:
        """Load the file at the start and remember its content; raises PolicyInvalid, calls nothing back.

        An injected sidecar begins with the built-in policy where its own is not there yet or no good, since
        it must not keep its pod from starting; what is wrong is told at the first look.
        """
        if self._is_injected and not self._path.exists():
            return load_default(self._env)
        try:
            content = read_bytes(self._path)
            loaded = self._load(content)
        except PolicyInvalid:
            if self._is_injected:
                return load_default(self._env)
            raise
        self._content = content
        return loaded

    async def run(self) -> None:
        """Look at the file every `interval_s` seconds until cancelled."""
        while True:
            await clock.sleep(self._interval_s)
            self._look(forced=False)

    def reload(self) -> None:
        """Load the file now, changed or not: what SIGHUP asks for."""
        self._look(forced=True)

    def _load(self, content: bytes) -> Loaded:
        return load_bytes(content, str(self._path), self._path.parent, self._env, self._leads_back)

    def _look(self, *, forced: bool) -> None:
        if self._is_injected and not self._path.exists():
            return
        content = None
        try:
            content = read_bytes(self._path)
            # What a credential lacked may have come by now; other faults are in the content itself.
            curable = isinstance(self._fault, CredentialsMissing)
            if content == self._content and not curable and not forced:
                return
            loaded = self._load(content)
        except PolicyInvalid as invalid:
            before, self._fault = self._fault, invalid
            told = content == self._content and before is not None and before.problems == invalid.problems
            self._content = content
            if forced or not told:
                self._on_error(invalid)
            return
        self._content, self._fault = content, None
        self._on_policy(loaded)
