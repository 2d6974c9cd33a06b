"""Where the doctor runs, and what it was asked."""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from claude_sidecar.credentials.look_threads import LookThreads
from claude_sidecar.doctor.check import Check
from claude_sidecar.doctor.probes.environment import RESOLV_CONF
from claude_sidecar.upstream.resolver import Resolver


@dataclass(frozen=True, slots=True)
class Asked:
    """key_env: a variable; key_file: a file, `-` for standard input; policy: a file; base_url, sidecar (its
    admin port): URLs; model: the wanted one."""

    key_env: str | None = None
    key_file: str | None = None
    policy: Path | None = None
    base_url: str | None = None
    sidecar: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """environ, stdin, resolver, resolv_conf: of this process and machine; tell: is given each check as soon
    as it is made; say: is given what must be known before something happens; readers: who reads files."""

    environ: Mapping[str, str] = field(repr=False)
    stdin: BinaryIO
    resolver: Resolver
    tell: Callable[[Check], None]
    say: Callable[[str], None]
    resolv_conf: Path = RESOLV_CONF
    readers: Executor = field(default_factory=LookThreads)
