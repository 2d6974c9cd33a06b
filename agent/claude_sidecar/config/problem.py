"""What is wrong with a policy file, as values a person can act on."""

from collections.abc import Iterable
from dataclasses import dataclass

WHOLE_FILE = "(file)"
"""The path of a problem that concerns no single field."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One fault: the file, its line from 1, the field such as `spec.routes[0].name`, and what is wrong."""

    file: str
    line: int
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.path}: {self.message}"


class PolicyInvalid(Exception):
    """A policy that cannot be put in force, with every problem that was found, in the file's order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class CredentialsMissing(PolicyInvalid):
    """A policy that is right but for the files or variables that its credentials name."""
