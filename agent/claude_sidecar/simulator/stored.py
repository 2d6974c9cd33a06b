"""What is kept between calls: uploaded files and batches, by organisation."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An uploaded file; *content* is None where the file was too large to keep."""

    organization: str
    payload: dict[str, Any]
    content: bytes | None
    ends_at: float | None = None


@dataclass(slots=True)
class Batch:
    """A message batch: its requests, when it began and how it came to an end."""

    id: str
    organization: str
    requests: list[dict[str, Any]]
    created_at: float
    canceled: bool = False
