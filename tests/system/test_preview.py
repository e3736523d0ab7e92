"""mailconfctl preview: the same bytes as the daemon's, and the rows that decided."""
import pathlib

import pytest

SCHEMAS = "http://schemas.microsoft.com/exchange/autodiscover"


@pytest.fixture
def filled(daemon):
    daemon.setup(
        ["domain", "add", "example.org", "imaps://imap.example.org", "submissions://smtp.example.org",
         "activesync+https://sync.example.org/Microsoft-Server-ActiveSync", "--login", r"UNI\%EMAILLOCALPART%"],
        ["service", "add", "example.org", "pop3s://pop.example.org", "--login", r"POP\%LOGIN%"],
        ["user", "add", "first.last@example.org", "a4711"],
        ["domain", "add", "*.example.com", "--alias-of", "example.org"],
        ["domain", "add", "closed.example.com", "--provider", "example.org"],
        ["domain", "disable", "closed.example.com"],
        ["domain", "add", "*", "imaps://any.example.net", "submissions://any.example.net", "--any-domain"],
    )
    return daemon


def outlook(kind, address):
    version = "2006a" if kind == "outlook" else "2006"
    return (
        f'<Autodiscover xmlns="{SCHEMAS}/{kind}/requestschema/2006"><Request>'
        f"<EMailAddress>{address}</EMailAddress>"
        f"<AcceptableResponseSchema>{SCHEMAS}/{kind}/responseschema/{version}</AcceptableResponseSchema>"
        "</Request></Autodiscover>"
    )


@pytest.mark.parametrize("address", ["first.last@example.org", "First.Last+x@sub.example.com", "o'x&y@example.org"])
def test_preview_is_what_the_daemon_answers(filled, address):
    filled.start()
    host = "autodiscover.example.org"
    for kind in ("outlook", "mobilesync"):
        shown = filled.ctl("preview", kind, address).stdout.encode()
        assert shown == filled.post(outlook(kind, address.replace("&", "&amp;")), host).body
    quoted = address.replace("@", "%40").replace("+", "%2B").replace("&", "%26")
    shown = filled.ctl("preview", "autoconfig", address, "--host", "autoconfig.example.org").stdout.encode()
    assert shown == filled.get(f"/mail/config-v1.1.xml?emailaddress={quoted}").body


def test_preview_without_address(filled):
    filled.start()
    shown = filled.ctl("preview", "autoconfig", "@example.org").stdout.encode()
    assert shown == filled.get("/mail/config-v1.1.xml").body
    assert rb"<username>UNI\%EMAILLOCALPART%</username>" in shown
    assert rb"<username>POP\UNI\%EMAILLOCALPART%</username>" in shown
    assert filled.ctl("preview", "outlook", "@example.org", check=False).returncode == 2


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["outlook", "first.last@example.org"], ["'a4711', from the row of user 'first.last@example.org'"]),
        (["outlook", "first.last+x@example.org"], ["from the row of user 'first.last@example.org'"]),
        (["outlook", "x@example.org"], [r"login: 'UNI\x', from the provider's pattern", r"POP\%LOGIN%"]),
        (["autoconfig", "x@a.b.example.com"], ["'*.example.com' covers it", "alias: it shares", "'example.org'"]),
        (["autoconfig", "@example.org"], ["of the host 'autoconfig.example.org'", "no address was given"]),
        (["autoconfig", "x@elsewhere.example"], ["'*' covers it"]),
        (["autoconfig", "x@elsewhere.example", "--host", "autoconfig.example.org"],
         ["'elsewhere.example' is not served here, so 'example.org' decides"]),
    ],
)
def test_explain(filled, arguments, words):
    said = filled.ctl("preview", *arguments, "--explain").stderr
    for word in words:
        assert word in said


@pytest.mark.parametrize(
    "arguments, outcome, words",
    [
        (["outlook", "x@closed.example.com"], "unknown-domain", "'closed.example.com' is disabled"),
        (["outlook", "x@elsewhere.example", "--host", "autodiscover.example.org"], "unknown-domain",
         "'*' answers only where the host asked, 'autodiscover.example.org'"),
        (["mobilesync", "x@elsewhere.example"], "not-offered", "'*' covers it"),
    ],
)
def test_refusals(filled, arguments, outcome, words):
    result = filled.ctl("preview", *arguments, "--explain", check=False)
    assert result.returncode == 1
    assert "<ErrorCode>" in result.stdout
    assert f"the client is refused: {outcome}" in result.stderr
    assert words in result.stderr


def test_preview_uses_the_templates_of_the_settings(filled, tmp_path):
    templates = pathlib.Path(tmp_path) / "mine"
    templates.mkdir()
    (templates / "autoconfig.xml").write_text("<mine>{{domain}}</mine>")
    filled.settings["templates"]["directory"] = templates
    assert filled.ctl("preview", "autoconfig", "@example.org").stdout == "<mine>example.org</mine>"


def test_preview_of_broken_data_is_what_the_client_gets(filled):
    filled.setup(["provider", "add", "empty"], ["domain", "add", "empty.example", "--provider", "empty"])
    shown = filled.ctl("preview", "outlook", "a@empty.example", check=False)
    assert shown.returncode == 1 and "<ErrorCode>602</ErrorCode>" in shown.stdout
    assert "provider 'empty' has no services" in shown.stderr


def test_explain_why_nothing_is_said(filled):
    """The domain is served, but its provider would rather say nothing than the pattern."""
    filled.setup(["provider", "set", "example.org", "--unknown-users", "refuse", "--without-address", "refuse"])
    told = filled.ctl("preview", "outlook", "a@example.org", "--explain", check=False)
    assert told.returncode == 1
    assert told.stderr.splitlines()[-2:] == [
        "login: none, for no row fits and provider 'example.org' has --unknown-users refuse",
        "mailconfctl: the client is refused: unknown-domain",
    ]
    told = filled.ctl("preview", "autoconfig", "@example.org", "--explain", check=False)
    assert told.stderr.splitlines()[-2] == \
        "login: none, for no row fits and provider 'example.org' has --without-address refuse"


def test_explain_a_move(filled):
    filled.setup(
        ["domain", "set", "example.org", "--moved-to", "example.net"],
        ["user", "set", "first.last@example.org", "--moved-to", "last@example.com"],
    )
    told = filled.ctl("preview", "outlook", "A.b@example.org", "--explain").stderr
    assert told.splitlines()[-1] == "moved: to 'A.b@example.net'"
    told = filled.ctl("preview", "mobilesync", "first.last@example.org", "--explain").stderr
    assert told.splitlines()[-1] == "moved: to 'last@example.com'"
    told = filled.ctl("preview", "autoconfig", "a.b@example.org", "--explain").stderr
    assert told.splitlines()[-1] == "moved: to 'a.b@example.net', which this document cannot say"
