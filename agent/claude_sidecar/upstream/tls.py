"""What upstreams' certificates are checked against."""

import ssl
from pathlib import Path

_SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)

_UNKNOWN_CA = (
    "something on the way may open TLS with a CA of its own, or the upstream's CA is private: name that CA's "
    "file in SSL_CERT_FILE"
)
_CLOCK = "check this machine's clock, then the certificate"
_OTHER_HOST = "the certificate is another host's: check the endpoint, and what answers in its place"
_NO_TLS = "what answers there speaks no TLS: check scheme and port of the endpoint, and proxies on the way"

_BY_VERIFY_CODE: dict[int | None, str] = {
    9: _CLOCK,
    10: _CLOCK,
    18: _UNKNOWN_CA,
    19: _UNKNOWN_CA,
    20: _UNKNOWN_CA,
    21: _UNKNOWN_CA,
    62: _OTHER_HOST,
    64: _OTHER_HOST,
}
"""By X509_V_ERR_* (https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/)."""

_BY_REASON: dict[str | None, str] = {
    "WRONG_VERSION_NUMBER": _NO_TLS,
    "HTTP_REQUEST": _NO_TLS,
    "RECORD_LAYER_FAILURE": _NO_TLS,
    "PACKET_LENGTH_TOO_LONG": _NO_TLS,
}


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
    """Why TLS failed, as short as OpenSSL says it, and what to look at."""
    said = getattr(error, "verify_message", None) or getattr(error, "reason", None) or type(error).__name__
    advice = _BY_VERIFY_CODE.get(getattr(error, "verify_code", None)) or _BY_REASON.get(
        getattr(error, "reason", None)
    )
    return f"{said}; {advice}" if advice else said
