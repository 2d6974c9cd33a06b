"""An outage out of a file: written by hand, or a list that `/requests` gave."""

from codecs import BOM_UTF8
from pathlib import Path

from claude_sidecar.replay import export, written
from claude_sidecar.replay.outage import Outage, OutageInvalid

MOST_BYTES = 32 << 20
_WRITTEN_MOST_BYTES = 1 << 20


def load_outage(path: Path) -> Outage:
    """Read a file. Raises OutageInvalid with all that is wrong."""
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise OutageInvalid([f"{path}: can't be read: {why}. Give the path of an outage"]) from None
    return outage_in(raw, str(path))


def outage_in(raw: bytes, source: str) -> Outage:
    """The outage in a file's bytes; source: what errors call it. Raises OutageInvalid."""
    if len(raw) > MOST_BYTES:
        raise OutageInvalid([f"{source}: is larger than {MOST_BYTES >> 20} MiB; cut it"])
    raw = raw.removeprefix(BOM_UTF8)  # as some shells write what they redirect
    if raw.lstrip().startswith(b"["):
        return export.outage_of(export.parse_export(raw, source), source)
    if len(raw) > _WRITTEN_MOST_BYTES:
        problem = "is neither a list of calls nor as short as a written outage, which has at most 1 MiB"
        raise OutageInvalid([f"{source}: {problem}. {_WANTED}"])
    if raw.lstrip().startswith(b"{") and b'"version"' not in raw:
        raise OutageInvalid([f"{source}: is another kind of JSON, such as a log or one call. {_WANTED}"])
    return written.outage_of(written.parse_written(raw, source))


_WANTED = "Give the list that /requests of the admin port gives, or an outage in YAML (docs/replay.md)"
