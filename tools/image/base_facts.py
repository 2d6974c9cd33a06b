"""What the Python in a base is, which decides on the wheels it takes."""

import json
from dataclasses import dataclass

SCRIPT = """
import json, os, platform, sys
print(json.dumps({
    "python": list(sys.version_info[:2]),
    "machine": platform.machine(),
    "libc": platform.libc_ver(),
    "markers": {
        "implementation_name": sys.implementation.name,
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_system": platform.system(),
        "python_full_version": platform.python_version(),
        "python_version": ".".join(platform.python_version_tuple()[:2]),
        "sys_platform": sys.platform,
    },
}))
"""
"""Run by the base's python3; needs nothing but the standard library."""

OLDEST = (3, 11)


@dataclass(frozen=True)
class BaseFacts:
    """The answer: version of Python, machine, version of glibc, and the values of requirement markers."""

    python: tuple[int, int]
    machine: str
    glibc: tuple[int, int]
    markers: dict[str, str]

    def platforms(self) -> list[str]:
        """The platform tags whose wheels run there, the newest first."""
        major, minor = self.glibc
        tags = [f"manylinux_{major}_{old}_{self.machine}" for old in range(minor, 4, -1)]
        legacy = [f"{name}_{self.machine}" for name in ("manylinux2014", "manylinux2010", "manylinux1")]
        return [*tags, *legacy, f"linux_{self.machine}"]


def parse(answer: str, base: str) -> BaseFacts:
    """Facts from what SCRIPT printed; raises `SystemExit` for a base that will not do."""
    facts = json.loads(answer)
    python, (libc, libc_version) = tuple(facts["python"]), facts["libc"]
    if python < OLDEST:
        raise SystemExit(f"make: {base} has Python {python[0]}.{python[1]}, but >= 3.11 is needed in BASE.")
    if libc != "glibc":
        raise SystemExit(
            f"make: {base} is not built on glibc (Alpine?); the wheels need it. Take another BASE."
        )
    major, minor = libc_version.split(".")[:2]
    return BaseFacts((python[0], python[1]), facts["machine"], (int(major), int(minor)), facts["markers"])
