"""mailconfctl preview: the same bytes as the daemon's, and the rows that decided."""
import json
import os
import pathlib
import pty
import re
import subprocess

import pytest

from clients import activesync, apple, pacc
from clients.client import words_of
from daemon import Connection, free_port

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


@pytest.mark.parametrize("public_name", ["auto.example.net:8443", None])
def test_preview_of_every_other_document(filled, public_name):
    """With a public name, and with the host's own."""
    if public_name:
        filled.settings["server"]["public-name"] = public_name
    filled.setup(["provider", "add", "pacc", "imaps://imap.example.test", "submissions://smtp.example.test",
                  "--pacc", "yes"], ["domain", "add", "example.test", "--provider", "pacc"])
    filled.start()
    for document, host, target in (
        ("mobileconfig", "autoconfig.example.org", "/mobileconfig?emailaddress={}"),
        ("autodiscover-v2", "autodiscover.example.org",
         "/autodiscover/autodiscover.json?Email={}&Protocol=AutodiscoverV1"),
        ("autodiscover-v2", "autodiscover.example.org",
         "/autodiscover/autodiscover.json/v1.0/{}?protocol=autodiscoverv1"),
    ):
        for address in ("first.last@example.org", "o'x&y@example.org", "a@b.example.com"):
            quoted = address.replace("@", "%40").replace("&", "%26")
            answer = filled.get(target.format(quoted), host)
            assert answer.status == 200
            assert filled.ctl("preview", document, address).stdout.encode() == answer.body
    if public_name:
        assert f"https://{public_name}/" in filled.ctl("preview", "autodiscover-v2", "a@example.org").stdout
    raw = "GET /.well-known/user-agent-configuration.json HTTP/1.1\r\nHost: ua-auto-config.example.test\r\n\r\n"
    answer = filled.ask(raw.encode(), "autoconfig.example.test")
    assert answer.status == 200
    assert filled.ctl("preview", "pacc", "@example.test").stdout.encode() == answer.body


@pytest.mark.parametrize("activesync", ["no", "yes"])
def test_preview_of_a_protocol(filled, activesync):
    """Where the provider gives ActiveSync's URL and where it does not."""
    filled.setup(["provider", "set", "example.org", "--activesync-v2", activesync])
    filled.start()
    for protocol in ("AutodiscoverV1", "ActiveSync"):
        answer = filled.get(f"/autodiscover/autodiscover.json?Email=a%40example.org&Protocol={protocol}",
                            "autodiscover.example.org")
        shown = filled.ctl("preview", "autodiscover-v2", "a@example.org", "--protocol", protocol, check=False)
        assert shown.stdout.encode() == answer.body
        assert (shown.returncode, answer.status) == ((1, 400) if protocol == "ActiveSync" and activesync == "no"
                                                     else (0, 200))
    assert ("https://sync.example.org/" in shown.stdout) == (activesync == "yes")
    refused = filled.ctl("preview", "outlook", "a@example.org", "--protocol", "ActiveSync", check=False)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("mailconfctl: --protocol goes with autodiscover-v2 only")


DOCUMENTS = ("outlook", "mobilesync", "autoconfig", "mobileconfig", "autodiscover-v2")


def asked_from(filled, document, address, client):
    """What the daemon answers a client of that address, as a trusted proxy tells it."""
    connection = Connection(filled.proxy_port)
    fields = f"Host: autodiscover.example.org\r\nX-Forwarded-For: {client}\r\n"
    if document in ("outlook", "mobilesync"):
        body = outlook(document, address)
        request = f"POST /autodiscover/autodiscover.xml HTTP/1.1\r\n{fields}Content-Length: {len(body)}\r\n\r\n{body}"
    else:
        target = {
            "autoconfig": "/mail/config-v1.1.xml?emailaddress=",
            "mobileconfig": "/mobileconfig?emailaddress=",
            "autodiscover-v2": "/autodiscover/autodiscover.json?Protocol=AutodiscoverV1&Email=",
        }[document] + address
        request = f"GET {target} HTTP/1.1\r\n{fields}\r\n"
    try:
        return connection.ask(request.encode()).body
    finally:
        connection.close()


@pytest.mark.parametrize("unknown_users", ["pattern", "refuse"])
def test_preview_from_is_what_that_client_gets(filled, unknown_users):
    """By the privacy rules of the provider, for every document and kind of client."""
    filled.proxy_port = free_port()
    filled.settings["server"]["behind-proxy"] = f"127.0.0.1:{filled.proxy_port}"
    filled.setup(["provider", "set", "example.org", "--send-logins-to", "192.0.2.0/24 2001:db8::/32",
                  "--unknown-users", unknown_users])
    filled.start()
    address = "first.last@example.org"
    for document in DOCUMENTS:
        shown = {}
        for client in ("192.0.2.7", "198.51.100.7", "2001:db8::7", "2001:db9::7", "::ffff:192.0.2.7"):
            shown[client] = filled.ctl("preview", document, address, "--from", client, check=False).stdout.encode()
            assert shown[client] == asked_from(filled, document, address, client), (document, client)
        assert shown["192.0.2.7"] == shown["2001:db8::7"] == shown["::ffff:192.0.2.7"]
        assert shown["198.51.100.7"] == shown["2001:db9::7"]
        if document not in ("mobilesync", "autodiscover-v2"):
            assert b"a4711" in shown["192.0.2.7"] and b"a4711" not in shown["198.51.100.7"]


def raw_preview(filled, *words):
    """Its very bytes."""
    filled.write_settings()
    return subprocess.run([filled.build / "src" / "mailconfctl", "--config", filled.config, "preview", *words],
                          capture_output=True, timeout=60, check=False).stdout


def without_date(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    dated = re.sub(rb"(?m)^Date: .*\r$", b"Date: then\r", head)
    assert dated != head
    return dated, body


@pytest.mark.parametrize("address", ["first.last@example.org", "x@closed.example.com", "x@bare.example.net"])
def test_the_head_is_the_one_that_the_daemon_sends(filled, address):
    """Of answers, of refusals, and where the database holds what it must not."""
    filled.setup(["provider", "add", "empty"], ["domain", "add", "bare.example.net", "--provider", "empty"],
                 ["provider", "set", "example.org", "--pacc", "no"])
    filled.start()
    quoted, domain = address.replace("@", "%40"), address.partition("@")[2]
    asked = {
        "autoconfig": f"/mail/config-v1.1.xml?emailaddress={quoted}",
        "mobileconfig": f"/mobileconfig?emailaddress={quoted}",
        "autodiscover-v2": f"/autodiscover/autodiscover.json?Protocol=AutodiscoverV1&Email={quoted}",
    }
    seen = set()
    for document in DOCUMENTS:
        host = ("autoconfig." if document in ("autoconfig", "mobileconfig") else "autodiscover.") + domain
        name = "autoconfig.example.org"
        if document in ("outlook", "mobilesync"):
            body = outlook(document, address)
            answer = filled.ask(f"POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: {host}\r\n"
                                f"Content-Length: {len(body)}\r\n\r\n{body}".encode(), name)
        else:
            answer = filled.ask(f"GET {asked[document]} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode(), name)
        assert without_date(raw_preview(filled, document, address, "--headers")) == without_date(answer.raw)
        seen.add(answer.status)
    assert len(seen) > 1 or address.startswith("first")


def test_the_head_of_pacc(filled):
    filled.setup(["provider", "add", "pacc", "imaps://imap.example.test", "submissions://smtp.example.test",
                  "--pacc", "yes"], ["domain", "add", "example.test", "--provider", "pacc"])
    filled.start()
    answer = filled.ask(b"GET /.well-known/user-agent-configuration.json HTTP/1.1\r\n"
                        b"Host: ua-auto-config.example.test\r\n\r\n", "autoconfig.example.test")
    assert without_date(raw_preview(filled, "pacc", "@example.test", "--headers")) == without_date(answer.raw)


def test_preview_as_json(filled):
    shown = json.loads(filled.ctl("--json", "preview", "outlook", "first.last@example.org", "--headers",
                                  "--explain").stdout)
    assert set(shown) == {"document", "outcome", "status", "head", "body", "explanation"}
    assert (shown["document"], shown["outcome"], shown["status"]) == ("outlook", "settings", 200)
    assert shown["head"][0] == "HTTP/1.1 200 OK" and "X-Content-Type-Options: nosniff" in shown["head"]
    assert shown["body"] == filled.ctl("preview", "outlook", "first.last@example.org").stdout
    assert "login: 'a4711', from user 'first.last@example.org'" in shown["explanation"]
    refused = filled.ctl("--json", "preview", "outlook", "x@closed.example.com", check=False)
    assert refused.returncode == 1 and json.loads(refused.stdout)["outcome"] == "unknown-domain"


def without_pop3(said):
    return re.sub("; POP3 [^;]*", "", said)


TLS = "IMAP imap.example.org:993 TLS as {0}; submission smtp.example.org:465 TLS as {0}"


@pytest.mark.parametrize("client, name, autoconfig, outlook_too", [
    ("outlook", "Outlook", None, "a4711"),
    ("thunderbird", "Thunderbird", "a4711", "a4711"),
    ("thunderbird-android", "Thunderbird for Android", r"UNI\first.last", None),
    ("fairemail", "FairEmail", "a4711", "first.last@example.org"),
    ("deltachat", "Delta Chat", "a4711", ...),
    ("nextcloud", "Nextcloud Mail", "a4711", None),
    ("kmail", "KMail", r"UNI\first.last", None),
    ("evolution", "Evolution", r"UNI\first.last", None),
    ("geary", "Geary", "first.last@example.org", None),
])
def test_what_a_client_concludes(filled, client, name, autoconfig, outlook_too):
    """By its own way of asking and reading. None: it does not ask; ...: it finds out the rest itself."""
    for document, login in (("autoconfig", autoconfig), ("outlook", outlook_too)):
        told = filled.ctl("preview", document, "first.last@example.org", "--as", client, check=False)
        if login is None:
            assert (told.returncode, told.stdout) == (2, "")
            assert told.stderr.startswith(f"mailconfctl: {name} does not request {document}; it requests ")
        else:
            assert told.returncode == 0 and told.stdout.startswith("<?xml")
            assert login is ... or f"{name}: {TLS.format(login)}" in without_pop3(told.stderr)
            shown = json.loads(filled.ctl("--json", "preview", document, "first.last@example.org", "--as", client).stdout)
            assert shown["conclusion"] == told.stderr.rstrip("\n") and shown["body"] == told.stdout


SYNC = "https://sync.example.org/Microsoft-Server-ActiveSync"


@pytest.mark.parametrize("document, client, name, read, words", [
    ("mobilesync", "activesync", "ActiveSync phone", activesync.read, f"ActiveSync {SYNC} as first.last@example.org"),
    ("mobileconfig", "apple", "Apple device", apple.read,
     f"{TLS.format('a4711')}; CalDAV https://dav.example.org/cal/ as a4711"),
    ("autodiscover-v2", "new-outlook", "New Outlook", None, TLS.format("a4711")),
    ("pacc", "pacc", "PACC client", pacc.read, f"{TLS.format('first.last@example.test')}; "
     "JMAP https://jmap.example.org/ as first.last@example.test"),
])
def test_what_the_only_client_of_a_document_concludes(filled, document, client, name, read, words):
    """As its model does, of the same bytes as without it."""
    filled.setup(["service", "add", "example.org", "caldav+https://dav.example.org/cal/"],
                 ["provider", "add", "pacc", "imaps://imap.example.org", "submissions://smtp.example.org",
                  "jmap+https://jmap.example.org/", "--pacc", "yes"],
                 ["domain", "add", "example.test", "--provider", "pacc"])
    address = f"first.last@example.{'test' if document == 'pacc' else 'org'}"
    told = filled.ctl("preview", document, address, "--as", client)
    assert told.stdout == filled.ctl("preview", document, "@example.test" if document == "pacc" else address).stdout
    said = told.stderr.rstrip("\n").rpartition("\n")[2]
    assert without_pop3(said) == f"{name}: {words}"
    if read:
        assert said == f"{name}: {'; '.join(words_of(read(told.stdout.encode(), address)))}"
    shown = json.loads(filled.ctl("--json", "preview", document, address, "--as", client).stdout)
    assert (shown["conclusion"], shown["body"]) == (said, told.stdout)
    assert words not in filled.ctl("preview", document, "x@bare.invalid", "--as", client, check=False).stderr


@pytest.mark.parametrize("public_name", ["auto.example.net:8443", None])
def test_new_outlook(filled, public_name):
    """Looks no further than ActiveSync, once it is told of that; else goes where it is led."""
    if public_name:
        filled.settings["server"]["public-name"] = public_name
    words = ("preview", "autodiscover-v2", "first.last@example.org", "--as", "new-outlook")
    led = filled.ctl(*words)
    assert without_pop3(led.stderr) == f"New Outlook: {TLS.format('a4711')}\n" and '"AutodiscoverV1"' in led.stdout
    assert filled.ctl(*words, "--host", "autodiscover.example.com").stderr == led.stderr
    filled.setup(["provider", "set", "example.org", "--activesync-v2", "yes"])
    told = filled.ctl(*words)
    assert told.stderr == f"New Outlook: ActiveSync {SYNC} as first.last@example.org\n" and SYNC in told.stdout
    refused = filled.ctl(*words, "--protocol", "ActiveSync", check=False)
    assert (refused.returncode, refused.stdout) == (2, "") and "either --protocol or --as" in refused.stderr


def test_a_phone_without_activesync(filled):
    filled.setup(["service", "remove", "example.org", f"activesync+{SYNC}"])
    told = filled.ctl("preview", "mobilesync", "a@example.org", "--as", "activesync", check=False)
    assert told.returncode == 1 and "<ErrorCode>601</ErrorCode>" in told.stdout
    assert told.stderr.startswith("ActiveSync phone: nothing: https://autodiscover.example.org/autodiscover/"
                                  "autodiscover.xml: an Autodiscover error document\n")


def test_a_client_of_another_document(filled):
    told = filled.ctl("preview", "mobileconfig", "a@example.org", "--as", "thunderbird", check=False)
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.startswith("mailconfctl: Thunderbird does not request mobileconfig; it requests outlook and "
                                  "autoconfig\nhint: see ")


def test_a_client_that_keeps_the_address_to_itself_gets_no_login(filled):
    words = ("preview", "autoconfig", "first.last@example.org")
    assert "a4711" in filled.ctl(*words).stdout
    assert "a4711" not in filled.ctl(*words, "--as", "geary").stdout


def test_a_client_without_settings_says_why(filled):
    told = filled.ctl("preview", "autoconfig", "x@closed.example.com", "--as", "geary", check=False)
    assert told.returncode == 1
    assert told.stderr.startswith("Geary: nothing: https://autoconfig.closed.example.com/mail/config-v1.1.xml: status 404")


def test_as_is_for_people_and_documents_that_clients_read(filled):
    for words in (("pacc", "@example.org"), ("mobileconfig", "a@example.org"), ("autoconfig", "@example.org"),
                  ("autoconfig", "a@example.org", "--as", "pine")):
        words += () if "--as" in words else ("--as", "geary")
        assert filled.ctl("preview", *words, check=False).returncode == 2


def test_explain_from(filled):
    filled.setup(["provider", "set", "example.org", "--send-logins-to", "192.0.2.0/24"])
    words = ("preview", "outlook", "first.last@example.org", "--explain", "--from")
    assert "login: 'a4711', from user 'first.last@example.org'" in filled.ctl(*words, "192.0.2.1").stderr
    assert (r"login: 'UNI\first.last', from the provider's pattern 'UNI\%EMAILLOCALPART%', because the login of user "
            "'first.last@example.org' is withheld from this client (--send-logins-to)") in \
        filled.ctl(*words, "198.51.100.1").stderr
    filled.setup(["provider", "set", "example.org", "--unknown-users", "refuse"])
    told = filled.ctl(*words, "198.51.100.1", check=False)
    assert told.returncode == 1
    assert ("login: none, because the login of user 'first.last@example.org' is withheld from this client (--send-logins-to) "
            "and provider 'example.org' has --unknown-users refuse") in told.stderr


@pytest.mark.parametrize("own, domains", [
    ("everyone", "192.0.2.0/24"), ("everyone", "nobody"), ("192.0.2.0/24", "everyone"), ("nobody", "everyone"),
    ("192.0.2.0/24", "198.51.100.0/24"),
])
def test_the_stricter_of_two_providers_decides(filled, own, domains):
    """A user's own provider does not send logins that the domain's provider withholds."""
    filled.setup(["provider", "set", "example.org", "--send-logins-to", domains],
                 ["provider", "add", "own", "imaps://own.example.org", "submissions://own.example.org",
                  "--send-logins-to", own],
                 ["user", "add", "own@example.org", "b123", "--provider", "own"])
    def shown(client):
        return filled.ctl("preview", "outlook", "own@example.org", "--from", client).stdout
    nobodys = filled.ctl("preview", "outlook", "own@example.org", "--from", "203.0.113.1").stdout
    assert "b123" not in nobodys and "own.example.org</Server>" not in nobodys
    for client, network in (("192.0.2.1", "192.0.2.0/24"), ("198.51.100.1", "198.51.100.0/24")):
        if {own, domains} <= {"everyone", network}:
            assert "<LoginName>b123</LoginName>" in shown(client)
        else:
            assert shown(client) == nobodys


@pytest.mark.parametrize("text", ["", "localhost", "192.0.2.0/24", "192.0.2.1:80", "[::1]", "fe80::1%lo"])
def test_from_is_an_address(filled, text):
    refused = filled.ctl("preview", "outlook", "a@example.org", "--from", text, check=False)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == f"mailconfctl: '{text}' is not an IP address such as 192.0.2.1 or 2001:db8::1\n"


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
        (["outlook", "first.last@example.org"], ["'a4711', from user 'first.last@example.org'"]),
        (["outlook", "first.last+x@example.org"], ["from user 'first.last@example.org'"]),
        (["outlook", "x@example.org"], [r"login: 'UNI\x', from the provider's pattern", r"POP\%LOGIN%"]),
        (["autoconfig", "x@a.b.example.com"], ["wildcard: matched by '*.example.com'", "alias: it shares", "'example.org'"]),
        (["autoconfig", "@example.org"], ["from the host name 'autoconfig.example.org'", "no address was given"]),
        (["autoconfig", "x@elsewhere.example"], ["wildcard: matched by '*'"]),
        (["autoconfig", "x@elsewhere.example", "--host", "autoconfig.example.org"],
         ["'elsewhere.example' is not served, so 'example.org' is used"]),
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
         "'*' only matches if the host name of the request, 'autodiscover.example.org'"),
        (["mobilesync", "x@elsewhere.example"], "not-offered", "wildcard: matched by '*'"),
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
        "login: none, because no user matches and provider 'example.org' has --unknown-users refuse",
        "mailconfctl: the client is refused: unknown-domain",
    ]
    told = filled.ctl("preview", "autoconfig", "@example.org", "--explain", check=False)
    assert told.stderr.splitlines()[-2] == \
        "login: none, because no user matches and provider 'example.org' has --without-address refuse"


@pytest.mark.parametrize("document, client, said", [
    ("outlook", "outlook", "Outlook: a redirect to a.b@example.net"),
    ("mobilesync", "activesync", "ActiveSync phone: a redirect to a.b@example.net"),
])
def test_move_as_a_client_sees_it(filled, document, client, said):
    filled.setup(["domain", "set", "example.org", "--moved-to", "example.net"])
    assert said in filled.ctl("preview", document, "a.b@example.org", "--as", client).stderr.splitlines()


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
    assert told.splitlines()[-1] == "moved: to 'a.b@example.net', but this document has no redirects"
    for document in ("mobileconfig", "autodiscover-v2"):
        told = filled.ctl("preview", document, "a.b@example.org", "--explain").stderr
        assert told.splitlines()[-1] == "moved: to 'a.b@example.net', but this document has no redirects"


def test_a_terminal_gets_whole_lines(filled):
    """JSON has no line end, and nothing is added to what is piped on."""
    shown = filled.ctl("preview", "autodiscover-v2", "a@example.org").stdout
    assert not shown.endswith("\n")
    ours, its = pty.openpty()
    words = ("preview", "autodiscover-v2", "a@example.org")
    subprocess.run([filled.build / "src" / "mailconfctl", "--config", filled.config, *words], stdout=its, check=True)
    assert os.read(ours, 4096).decode() == shown + "\r\n"
    os.close(ours)
    os.close(its)


@pytest.mark.parametrize("auth, spa, required", [
    ("password-cleartext", "off", "on"),
    ("password-encrypted", "off", "on"),
    ("NTLM,password-cleartext", "off", "on"),
    ("NTLM", "on", "on"),
    ("GSSAPI", "on", "on"),
    ("GSSAPI,NTLM", "on", "on"),
    ("OAuth2", "off", "on"),
    ("none", "off", "off"),
    ("client-IP-address", "off", "off"),
    ("client-IP-address,password-cleartext", "off", "off"),
])
def test_what_outlook_is_told_of_authentication(filled, auth, spa, required):
    """Only to send can be free."""
    for url in ("submissions://smtp.example.org", "imaps://imap.example.org"):
        filled.ctl("service", "set", "example.org", url, "--auth", auth)
    shown = filled.ctl("preview", "outlook", "first.last@example.org").stdout
    for kind, required_of_kind in (("SMTP", required), ("IMAP", "on")):
        protocol = shown.partition(f"<Type>{kind}</Type>")[2].partition("</Protocol>")[0]
        assert f"<SPA>{spa}</SPA>" in protocol and f"<AuthRequired>{required_of_kind}</AuthRequired>" in protocol
