"""The environment at start: what counts, what is wrong with it and how that is told, without credentials."""

import ssl
from pathlib import Path

import pytest
import trustme
from hypothesis import example, given
from hypothesis import strategies as st

from claude_sidecar.config.egress import judge_environment, usable_environment
from claude_sidecar.config.environment_fault import EnvironmentInvalid
from claude_sidecar.config.proxy_url import EgressProxy, read_proxy_url


@pytest.mark.parametrize(
    ("value", "host", "port"),
    [
        ("http://proxy.example:3128", "proxy.example", 3128),
        ("proxy.example:3128", "proxy.example", 3128),
        ("http://proxy.example", "proxy.example", 80),
        ("http://proxy.example:3128/", "proxy.example", 3128),
        ("HTTP://Proxy.Example:3128\n", "proxy.example", 3128),
        ("http://[fd00::1]:3128", "fd00::1", 3128),
        ("http://user:pass@proxy.example:3128", "proxy.example", 3128),
    ],
)
def test_a_proxy_is_read_in_each_way_that_is_usual(value: str, host: str, port: int) -> None:
    proxy = read_proxy_url("HTTPS_PROXY", value)
    assert isinstance(proxy, EgressProxy)
    assert (proxy.host, proxy.port) == (host, port)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("http://proxy.example:notaport", "no port between 1 and 65535"),
        ("http://proxy.example:99999", "no port between 1 and 65535"),
        ("http://proxy.example:0", "the port 0"),
        ("https://proxy.example:3128", "the scheme `https`"),
        ("socks5://proxy.example:1080", "the scheme `socks5`"),
        ("http://:3128", "names no host"),
        ("http://", "names no host"),
        ('"http://proxy.example:3128"', "quotes"),
        ("http://[fd00::1", "a host that is none"),
        ("http://user:pa#ss@proxy.example:3128", "a character in its user or password"),
        ("http://user:pa/ss@proxy.example:3128", "a character in its user or password"),
    ],
)
def test_an_unusable_proxy_is_told_with_variable_value_what_is_allowed_and_what_to_do(value, words) -> None:
    with pytest.raises(EnvironmentInvalid) as invalid:
        usable_environment({"HTTPS_PROXY": value})
    told = str(invalid.value)
    assert told.startswith("HTTPS_PROXY=`")
    assert words in told
    assert "allowed: http://HOST:PORT" in told
    assert "\n" not in told


@example(password="00000://", scheme="", end=":3128")
@given(
    password=st.text("ABCDEFGHJKL0123456789#/?:'\"@ ", min_size=8, max_size=20),
    scheme=st.sampled_from(["http://", "https://", "socks5://", ""]),
    end=st.sampled_from([":3128", ":notaport", ":99999", "", ":0"]),
)
def test_no_password_of_a_proxy_is_ever_shown(password: str, scheme: str, end: str) -> None:
    value = f"{scheme}user:{password}@proxy.example{end}"
    told = [str(fault) for fault in judge_environment({"HTTPS_PROXY": value, "https_proxy": "x:1"}).faults]
    told += [str(fault) for fault in judge_environment({"HTTPS_PROXY": value}).faults]
    told.append(repr(judge_environment({"HTTPS_PROXY": value})))
    for part in password.split("@"):
        assert len(part) < 6 or not any(part in text for text in told)


def test_all_fatal_faults_are_told_at_once(tmp_path: Path) -> None:
    environ = {"HTTPS_PROXY": "ftp://x", "SSL_CERT_FILE": str(tmp_path)}
    with pytest.raises(EnvironmentInvalid) as invalid:
        usable_environment(environ)
    assert [fault.variable for fault in invalid.value.faults] == ["HTTPS_PROXY", "SSL_CERT_FILE"]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def faults(**environ: str) -> list[str]:
    return [str(fault) for fault in judge_environment(environ).faults]


def test_a_good_ca_file_is_no_fault(authority: trustme.CA, tmp_path: Path) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    assert faults(SSL_CERT_FILE=str(tmp_path / "ca.pem")) == []


def test_the_systems_own_bundle_is_no_fault() -> None:
    paths = ssl.get_default_verify_paths()
    found = [path for path in (paths.cafile, "/etc/ssl/certs/ca-certificates.crt") if path]
    bundles = [path for path in found if Path(path).is_file()]
    assert faults(**({"SSL_CERT_FILE": bundles[0]} if bundles else {})) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no certificate",
        b"\x00\xff" * 40,
        b"-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ],
)
def test_a_ca_file_without_a_certificate_is_fatal(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(content)
    with pytest.raises(EnvironmentInvalid) as invalid:
        usable_environment({"SSL_CERT_FILE": str(path)})
    assert f"SSL_CERT_FILE=`{str(path)[:60]}" in str(invalid.value)
    assert "holds no certificate, or a broken one" in str(invalid.value)
    assert "allowed: a file of CA certificates in PEM" in str(invalid.value)


def test_a_ca_file_that_is_not_there_may_be_an_optional_mount(tmp_path: Path) -> None:
    judged = usable_environment({"SSL_CERT_FILE": str(tmp_path / "ca.pem")})
    (fault,) = judged.faults
    assert "is not there" in str(fault)


def test_a_folder_in_place_of_a_ca_file_is_fatal(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentInvalid, match="is a folder"):
        usable_environment({"SSL_CERT_FILE": str(tmp_path)})


def test_a_missing_ca_folder_is_told(tmp_path: Path) -> None:
    assert faults(SSL_CERT_DIR=str(tmp_path)) == []
    (told,) = faults(SSL_CERT_DIR=f"{tmp_path}:{tmp_path}/no")
    assert "SSL_CERT_DIR=" in told
    assert "is no folder" in told


def test_a_file_of_tls_keys_is_told() -> None:
    (told,) = faults(SSLKEYLOGFILE="/tmp/keys")
    assert "SSLKEYLOGFILE=`/tmp/keys`" in told
    assert faults(SSLKEYLOGFILE="") == []


def test_lower_case_counts_and_a_contradiction_is_told() -> None:
    judged = judge_environment({"https_proxy": "http://a.example:1", "HTTPS_PROXY": "http://b.example:2"})
    assert judged.egress.https_proxy == EgressProxy("a.example", 1, None)
    (fault,) = judged.faults
    assert "differs from https_proxy, which counts" in str(fault)


def test_an_empty_variable_counts_as_unset() -> None:
    judged = judge_environment({"https_proxy": "", "HTTPS_PROXY": "http://b.example:2", "SSL_CERT_FILE": ""})
    assert judged.egress.https_proxy == EgressProxy("b.example", 2, None)
    assert judged.egress.ca_file is None
    assert judged.faults == ()


@pytest.mark.parametrize(
    ("variable", "instead"),
    [
        ("ALL_PROXY", "HTTPS_PROXY"),
        ("all_proxy", "HTTPS_PROXY"),
        ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"),
        ("CURL_CA_BUNDLE", "SSL_CERT_FILE"),
        ("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"),
    ],
)
def test_a_variable_of_other_programs_is_told_with_the_one_that_counts(variable: str, instead: str) -> None:
    (told,) = faults(**{variable: "http://user:secret@proxy.example:3128"})
    assert f"Set {instead}" in told
    assert variable not in ("ALL_PROXY", "all_proxy") or "secret" not in told


def test_a_variable_of_other_programs_beside_ours_is_no_fault(authority: trustme.CA, tmp_path: Path) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    environ = {
        "HTTPS_PROXY": "http://proxy.example:3128",
        "HTTP_PROXY": "http://proxy.example:3128",
        "ALL_PROXY": "socks5://proxy.example:1080",
        "NO_PROXY": "localhost,127.0.0.1,10.0.0.0/8,.svc,.cluster.local",
        "SSL_CERT_FILE": str(tmp_path / "ca.pem"),
        "REQUESTS_CA_BUNDLE": "/elsewhere.pem",
    }
    assert usable_environment(environ).faults == ()
