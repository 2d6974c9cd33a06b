"""SSL_CERT_FILE and SSL_CERT_DIR: CA certificates that upstreams are checked against beside the system's."""

import ssl
from pathlib import Path

from claude_sidecar.config.environment_fault import EnvironmentFault
from claude_sidecar.config.shown import shown

_FILE = "a file of CA certificates in PEM"
_FOLDER = "a folder of CA certificates, prepared by `openssl rehash`"


def ca_file_fault(variable: str, path: str) -> EnvironmentFault | None:
    """What is wrong with a CA file, None if it can be used. It is read.

    One that is not there is no reason not to start: it may be an optional mount.
    """

    def fault(wrong: str, fix: str, *, fatal: bool = True) -> EnvironmentFault:
        return EnvironmentFault(variable, shown(path), wrong, _FILE, fix, fatal)

    try:
        if not Path(path).exists():
            fix = "Mount or create it and restart, else only the system's CAs are trusted; or unset it."
            return fault("is not there", fix, fatal=False)
        if Path(path).is_dir():
            return fault("is a folder", "Name the file in it, or set SSL_CERT_DIR.")
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        fix = "Look for the lines BEGIN CERTIFICATE and END CERTIFICATE, and what stands between them."
        return fault("holds no certificate, or a broken one", fix)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a usable path"
        return fault(f"cannot be read ({reason})", "Let this user read it, or name another file.")
    return None


def ca_folder_fault(variable: str, path: str) -> EnvironmentFault | None:
    """What is wrong with a folder of CAs, None if it may do; several, with a colon between, are looked at."""
    missing = next((one for one in path.split(":") if one and not Path(one).is_dir()), None)
    if missing is None:
        return None
    fix = "Create it and restart, or unset the variable; else what it would hold is not trusted."
    return EnvironmentFault(variable, shown(missing), "is no folder", _FOLDER, fix)
