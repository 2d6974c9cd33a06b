"""What upstreams' certificates are checked against."""

import ssl
from pathlib import Path

_SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)


def tls_context(extra_ca_file: str | None) -> ssl.SSLContext:
    """Verifies against the system's CAs and, beside them, those of `extra_ca_file`.

    OpenSSL takes SSL_CERT_FILE in place of the system's bundle; a private CA for one route must not
    cost the public ones, so both are loaded. A file that is not there (an optional mount) adds nothing.
    Raises OSError or ssl.SSLError when the file is unusable.
    """
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    if extra_ca_file is not None:
        if Path(extra_ca_file).is_file():
            context.load_verify_locations(extra_ca_file)
        paths = ssl.get_default_verify_paths()
        bundle = next(
            (path for path in (paths.openssl_cafile, *_SYSTEM_BUNDLES) if Path(path).is_file()), None
        )
        if bundle is not None and bundle != extra_ca_file:
            context.load_verify_locations(bundle)
    return context


def tls_reason(error: ssl.SSLError | ssl.CertificateError) -> str:
    """Why TLS failed, as short as OpenSSL says it."""
    return getattr(error, "verify_message", None) or getattr(error, "reason", None) or type(error).__name__
