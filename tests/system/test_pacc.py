"""PACC: bytes that never change, and providers that it has no words for."""
import base64
import hashlib
import json

import pytest

from conftest import ROOT

PATH = "/.well-known/user-agent-configuration.json"
S15 = ROOT / "tests" / "golden" / "pacc" / "s15" / "response.http"
DIGEST = "YAImoRdS1LYwRtzCt1jnmdBVsXnhM0LaLyj7rcmZLJA="


def digest(data):
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def test_digest_of_the_golden_document():
    body = S15.read_bytes().partition(b"\r\n\r\n")[2]
    assert len(body) == 236
    assert digest(body) == DIGEST


@pytest.fixture
def filled(daemon):
    daemon.setup(
        ["domain", "add", "example.org", "imaps://imap.example.org", "submissions://smtp.example.org",
         "--pacc", "yes"],
    )
    return daemon


def test_preview_shows_the_bytes_and_their_digest(filled):
    filled.start()
    response = filled.get(PATH, "ua-auto-config.example.org")
    result = filled.ctl("preview", "pacc", "@example.org")
    assert result.stdout.encode() == response.body
    assert result.stderr == f"v=UAAC1; a=sha256; d={digest(response.body)}\n"
    document = json.loads(response.body)
    assert document["info"] == {"provider": {"name": "example.org"}}
    assert response.body == json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def test_bytes_do_not_depend_on_the_order_of_adding(filled):
    wanted = filled.ctl("preview", "pacc", "@example.org").stdout
    filled.setup(["domain", "add", "example.net"] + ["submissions://smtp.example.org", "imaps://imap.example.org"]
                 + ["--display-name", "example.org", "--pacc", "yes"])
    assert filled.ctl("preview", "pacc", "@example.net").stdout == wanted


def test_a_name_that_is_too_long_is_cut(filled):
    domain = "a" * 63 + ".example.org"
    filled.ctl("domain", "add", domain, "--provider", "example.org")
    document = json.loads(filled.ctl("preview", "pacc", f"@{domain}").stdout)
    assert document["info"]["provider"]["name"] == "a" * 60


def test_off_unless_chosen(filled):
    filled.ctl("provider", "set", "example.org", "--pacc", "no")
    result = filled.ctl("preview", "pacc", "@example.org", check=False)
    assert result.returncode == 1
    assert "not-offered" in result.stderr and "UAAC1" not in result.stderr
    assert filled.ctl("preview", "pacc", "a@example.org", check=False).returncode == 2


@pytest.mark.parametrize("services, options, words", [
    ([["imap+starttls://imap.example.org"]], [], "its IMAP service: it needs implicit TLS on port 993"),
    ([["imaps://imap.example.org:1993"]], [], "its IMAP service: it needs implicit TLS on port 993"),
    ([["imaps://imap.example.org"], ["submission+starttls://smtp.example.org"]], [],
     "its submission service: it needs implicit TLS on port 465"),
    ([["managesieve+starttls://imap.example.org"]], [], "its ManageSieve service: it needs implicit TLS on port 4190"),
    ([["jmap+https://jmap.example.org:8443/"]], [], "its JMAP service: it needs implicit TLS on port 443"),
    ([["caldav+https://dav.example.org/"]], [], "its CalDAV service: its URL needs a path"),
    ([["carddav+https://dav.example.org:8443/card"]], [], "its CardDAV service: it needs implicit TLS on port 443"),
    ([["imaps://imap.example.org"]], ["--login", "%EMAILLOCALPART%"],
     "its IMAP service: its login must be %EMAILADDRESS%, not '%EMAILLOCALPART%'"),
    ([["imaps://imap.example.org", "--login", r"UNI\%LOGIN%"]], [],
     r"its login must be %EMAILADDRESS%, not 'UNI\%EMAILADDRESS%'"),
    ([["imaps://imap.example.org", "--auth", "OAuth2,GSSAPI"]], [], "its IMAP service: it must take a password"),
    ([["activesync+https://eas.example.org/eas"]], [], "it has no service that PACC knows"),
    ([], [], "it has no service that PACC knows"),
])
def test_refused(filled, services, options, words):
    filled.setup(["provider", "add", "corp", *options], *(["service", "add", "corp", *each] for each in services))
    result = filled.ctl("provider", "set", "corp", "--pacc", "yes", check=False)
    assert result.returncode == 1
    assert "provider 'corp' cannot have --pacc yes: " in result.stderr and words in result.stderr
    assert json.loads(filled.ctl("--json", "provider", "show", "corp").stdout)["pacc"] is False


@pytest.mark.parametrize("services, options", [
    ([["imaps://imap.example.org"], ["imap+starttls://imap.example.org", "--first"]], []),
    ([["imaps://imap.example.org:1993", "--first"], ["imaps://imap.example.org"]], []),
    ([["imaps://imap.example.org", "--login", "%EMAILADDRESS%"]], ["--login", "%EMAILLOCALPART%"]),
    ([["imaps://imap.example.org", "--login", "%LOGIN%"]], []),
    ([["imaps://imap.example.org", "--auth", "OAuth2,password-cleartext"]], []),
    ([["jmap+https://jmap.example.org/"], ["activesync+https://eas.example.org/eas"]], []),
])
def test_accepted(filled, services, options):
    filled.setup(["provider", "add", "corp", *options], *(["service", "add", "corp", *each] for each in services),
                 ["provider", "set", "corp", "--pacc", "yes"], ["domain", "add", "example.net", "--provider", "corp"])
    assert len(json.loads(filled.ctl("preview", "pacc", "@example.net").stdout)["protocols"]) == 1


OAUTH2 = ["--oauth2-issuer", "https://login.example.org", "--oauth2-scope", "mail",
          "--oauth2-auth-url", "https://login.example.org/auth", "--oauth2-token-url", "https://login.example.org/token"]
NAMED = [word.replace("https://login.example.org", "login.example.org") if word.endswith(".org") else word
         for word in OAUTH2]
TOKEN = {"issuer": "https://login.example.org"}


@pytest.mark.parametrize("options, imap, submission, wanted", [
    (OAUTH2, "OAuth2", "OAuth2,GSSAPI", {"password": False, "oauth-public": TOKEN}),
    (OAUTH2, "OAuth2,password-cleartext", "OAuth2", {"password": False, "oauth-public": TOKEN}),
    (OAUTH2, "OAuth2,password-cleartext", "password-encrypted,OAuth2", {"password": True, "oauth-public": TOKEN}),
    (OAUTH2, "OAuth2,password-cleartext", "password-cleartext", {"password": True}),
    (OAUTH2, "password-cleartext", "password-cleartext", {"password": True}),
    (NAMED, "OAuth2,password-cleartext", "OAuth2,password-cleartext", {"password": True}),
    (OAUTH2, "OAuth2", "password-cleartext",
     "PACC needs a way to authenticate that all services take, either a password or OAuth2"),
    (OAUTH2, "OAuth2", "GSSAPI", "its submission service: it must take a password or OAuth2"),
    (NAMED, "OAuth2", "OAuth2", "its IMAP service: it must take a password"),
])
def test_ways_to_authenticate(filled, options, imap, submission, wanted):
    filled.setup(["provider", "add", "corp", *options], ["domain", "add", "example.net", "--provider", "corp"],
                 ["service", "add", "corp", "imaps://imap.example.org", "--auth", imap],
                 ["service", "add", "corp", "submissions://smtp.example.org", "--auth", submission])
    result = filled.ctl("provider", "set", "corp", "--pacc", "yes", check=isinstance(wanted, dict))
    if isinstance(wanted, dict):
        document = json.loads(filled.ctl("preview", "pacc", "@example.net").stdout)
        assert document["authentication"] == wanted
    else:
        assert result.stderr.endswith(f"{wanted}\n")


@pytest.mark.parametrize("command", [
    ["service", "add", "example.org", "pop3+starttls://pop.example.org"],
    ["provider", "set", "example.org", "--login", "%EMAILLOCALPART%"],
    ["provider", "set", "example.org", "imap+starttls://imap.example.org"],
    ["provider", "add", "other", "imap+starttls://imap.example.org", "--pacc", "yes"],
    ["domain", "add", "example.net", "imap+starttls://imap.example.org", "--pacc", "yes"],
])
def test_changes_are_refused_while_it_is_on(filled, command):
    before = filled.ctl("preview", "pacc", "@example.org").stdout
    result = filled.ctl(*command, check=False)
    assert result.returncode == 1 and "cannot have --pacc yes" in result.stderr
    assert filled.ctl("preview", "pacc", "@example.org").stdout == before


def test_removing_what_is_needed_is_refused(filled):
    filled.ctl("service", "add", "example.org", "imap+starttls://imap.example.org")
    result = filled.ctl("service", "remove", "example.org", "imaps://imap.example.org", check=False)
    assert result.returncode == 1 and "its IMAP service" in result.stderr
    filled.ctl("service", "remove", "example.org", "imap+starttls://imap.example.org")
    filled.ctl("service", "remove", "example.org", "imaps://imap.example.org")
    assert "imap" not in filled.ctl("preview", "pacc", "@example.org").stdout


@pytest.mark.parametrize("command", [
    ["provider", "set", "example.org", "--without-address", "refuse"],
    ["provider", "set", "closed", "--pacc", "yes"],
    ["provider", "add", "new", "imaps://imap.example.org", "--pacc", "yes", "--without-address", "refuse"],
    ["domain", "add", "example.net", "imaps://imap.example.org", "--pacc", "yes", "--without-address", "refuse"],
])
def test_it_is_not_published_where_the_address_is_never_the_login(filled, command):
    filled.ctl("provider", "add", "closed", "imaps://imap.example.org", "--without-address", "refuse")
    before = filled.ctl("export").stdout
    result = filled.ctl(*command, check=False)
    name = "example.net" if command[0] == "domain" else command[2]
    assert (result.returncode, result.stderr) == (
        1, f"mailconfctl: provider '{name}' cannot have --pacc yes with --without-address refuse: PACC "
        "publishes that the login is the address\n")
    assert filled.ctl("export").stdout == before


def test_apply_does_not_publish_it_either(filled, tmp_path):
    path = tmp_path / "commands"
    path.write_text(filled.ctl("export").stdout.replace(
        "provider add example.org", "provider add example.org --without-address refuse"), encoding="utf-8")
    result = filled.ctl("apply", path, check=False)
    assert result.returncode == 1 and "cannot have --pacc yes with --without-address refuse" in result.stderr


def test_other_logins_are_warned_of(filled):
    filled.ctl("user", "add", "a@example.org", "a4711")
    filled.ctl("user", "add", "b@example.org", "b@example.org")
    shown = filled.ctl("provider", "show", "example.org").stderr
    assert "1 of 2 users has a login that the pattern '%EMAILADDRESS%' does not give" in shown
    assert filled.ctl("provider", "set", "example.org", "--pacc", "yes").stderr == shown
    assert filled.ctl("provider", "set", "example.org", "--pacc", "no").stderr == ""
    assert filled.ctl("provider", "set", "example.org", "--ttl", "24").stderr == ""
