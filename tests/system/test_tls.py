"""What the TLS handshake offers: real handshakes of OpenSSL with the default and with other priorities."""
import re
import subprocess

import pytest

from daemon import PATIENCE

FORWARD_SECRET = ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
WITHOUT_FORWARD_SECRECY = ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "AES128-SHA", "AES256-SHA256", "AES128-CCM")
WITH_FINITE_FIELDS = ("DHE-RSA-AES128-GCM-SHA256", "DHE-RSA-AES256-GCM-SHA384", "DHE-RSA-CHACHA20-POLY1305")


@pytest.fixture
def served(daemon):
    daemon.setup(["domain", "add", "example.org", "imaps://imap.example.org", "submissions://smtp.example.org"])
    daemon.add_certificate("rsa", "rsa.example.org", options=("--rsa",))
    daemon.add_certificate("ecdsa", "ecdsa.example.org")
    return daemon


def cipher(daemon, name, *options):
    """The cipher suite that was agreed on with the certificate of that name, or None."""
    result = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{daemon.port}", "-CAfile", daemon.authority.file,
         "-verify_return_error", "-servername", f"{name}.example.org", *options],
        input=b"", capture_output=True, check=False, timeout=PATIENCE)
    agreed = re.search(r"^New, .*, Cipher is (\S+)$", result.stdout.decode(), re.MULTILINE)
    assert agreed, result.stderr
    return None if agreed.group(1) == "(NONE)" else agreed.group(1)


def cipher_of_1_2(daemon, name, offered):
    return cipher(daemon, name, "-tls1_2", "-cipher", f"{offered}:@SECLEVEL=0")


def test_key_exchange_has_forward_secrecy(served):
    served.start()
    for offered in FORWARD_SECRET:
        for name in ("rsa", "ecdsa"):
            offered_there = f"ECDHE-{name.upper()}-{offered}"
            assert cipher_of_1_2(served, name, offered_there) == offered_there
    for offered in WITHOUT_FORWARD_SECRECY + WITH_FINITE_FIELDS:
        assert cipher_of_1_2(served, "rsa", offered) is None, offered
    for name in ("rsa", "ecdsa"):
        assert cipher(served, name, "-tls1_3") == "TLS_AES_128_GCM_SHA256"
        assert cipher(served, name, "-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256")


@pytest.mark.parametrize("priorities", ["-VERS-TLS1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.3"])
def test_priorities_can_leave_tls_1_3_alone(served, priorities):
    served.settings["tls"]["priorities"] = priorities
    served.start()
    for name in ("rsa", "ecdsa"):
        assert cipher(served, name, "-tls1_2") is None
        assert cipher(served, name, "-tls1_3")


def test_priorities_can_allow_what_the_default_does_not(served):
    served.settings["tls"]["priorities"] = "+RSA:-VERS-TLS1.3:-AES-128-GCM"
    served.start()
    assert cipher_of_1_2(served, "rsa", "AES256-GCM-SHA384") == "AES256-GCM-SHA384"
    assert cipher_of_1_2(served, "rsa", "AES128-GCM-SHA256") is None
    assert cipher_of_1_2(served, "ecdsa", "ECDHE-ECDSA-AES256-GCM-SHA384") == "ECDHE-ECDSA-AES256-GCM-SHA384"
    assert cipher(served, "rsa", "-tls1_3") is None


def test_a_reload_says_that_priorities_need_a_restart(served):
    served.start()
    served.settings["tls"]["priorities"] = "-VERS-TLS1.2"
    served.write_settings()
    served.reload()
    assert "[tls] priorities has changed: only a restart applies it" in served.log()
    assert cipher(served, "rsa", "-tls1_2")


@pytest.mark.parametrize("priorities, words", [
    ("HIGH:!aNULL", "it is in the syntax of OpenSSL; leave the value empty"),
    ("ECDHE-RSA-AES128-GCM-SHA256", "write '-KX-ALL:+ECDHE-RSA:-CIPHER-ALL:+AES-128-GCM'"),
    ("TLSv1.2", "write '-VERS-ALL:+VERS-TLS1.2'"),
    ("NORMAL:+NO-SUCH", "GnuTLS does not support '+NO-SUCH' (character 8)"),
])
def test_priorities_are_checked_when_the_settings_are_loaded(served, priorities, words):
    served.settings["tls"]["priorities"] = priorities
    served.write_settings()
    line = served.config.read_text().splitlines().index(f"priorities = {priorities}") + 1
    for arguments in ((), ("--check-config",)):
        result = subprocess.run(served.command(*arguments), capture_output=True, text=True, check=False, timeout=PATIENCE)
        assert result.returncode == 2
        assert f"{served.config}:{line}: [tls] priorities: '{priorities}' is invalid: " in result.stderr
        assert words in result.stderr
