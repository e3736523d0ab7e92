"""Providers from autoconfig documents: files, standard input, the web, and the public database."""
import contextlib
import http.server
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import threading

import pytest

from mailconfctl import Mailconfctl, without

pytestmark = pytest.mark.sanitize

DOCUMENT = """<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="uni">
    <domain>uni.example</domain>
    <domain>alumni.example</domain>
    <displayName>University Mail</displayName>
    <displayShortName>Uni</displayShortName>
    <incomingServer type="imap">
      <hostname>imap.uni.example</hostname>
      <port>993</port>
      <socketType>SSL</socketType>
      <username>%EMAILLOCALPART%</username>
      <authentication>password-cleartext</authentication>
    </incomingServer>
    <outgoingServer type="smtp">
      <hostname>smtp.uni.example</hostname>
      <port>587</port>
      <socketType>STARTTLS</socketType>
      <username>%EMAILLOCALPART%</username>
      <authentication>GSSAPI</authentication>
      <authentication>password-cleartext</authentication>
    </outgoingServer>
  </emailProvider>
</clientConfig>
"""

ADDED = "provider uni added, 2 services, 2 domains\n"
SERVICES = ["imaps://imap.example.org", "submissions://smtp.example.org"]


@pytest.fixture
def ctl(tmp_path):
    return Mailconfctl(str(tmp_path))


@pytest.fixture
def document(tmp_path):
    file = tmp_path / "config-v1.1.xml"
    file.write_text(DOCUMENT)
    return str(file)


def provider(ctl, name="uni"):
    return ctl.json("provider", "show", name)


def test_file(ctl, document):
    assert ctl("provider", "import", document) == ADDED
    found = provider(ctl)
    assert found["display_name"] == "University Mail" and found["short_name"] == "Uni"
    assert found["login"] == "%EMAILLOCALPART%"
    assert [(service["url"], service["auth"]) for service in found["services"]] == [
        ("imaps://imap.uni.example", ["password-cleartext"]),
        ("submission+starttls://smtp.uni.example", ["GSSAPI", "password-cleartext"]),
    ]
    assert found["domains"] == ["alumni.example", "uni.example"]


def test_name(ctl, document):
    ctl("provider", "import", document, "--name", "hochschule")
    assert provider(ctl, "hochschule")["display_name"] == "University Mail"
    assert ctl.refused("provider", "show", "uni").startswith("there is no provider 'uni'")


def test_standard_input(ctl):
    result = subprocess.run(ctl.command("provider", "import", "-"), input=DOCUMENT, text=True,
                            capture_output=True, timeout=60, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, ADDED, "")
    result = subprocess.run(ctl.command("provider", "import", "-"), input="x" * 1048577, text=True,
                            capture_output=True, timeout=60, check=False)
    assert (result.returncode, result.stderr) == \
        (1, "mailconfctl: standard input has more than 1048576 bytes\n")


def test_what_is_not_held_is_named(ctl, document):
    text = DOCUMENT.replace(
        "</emailProvider>",
        "<incomingServer type='ews'><url>https://ews.uni.example/</url></incomingServer>"
        "<domain>%EMAILDOMAIN%</domain></emailProvider>",
    ).replace("<username>%EMAILLOCALPART%", "<username>%REALNAME%", 1)
    pathlib.Path(document).write_text(text)
    assert ctl.warned("provider", "import", document) == [
        f"{document}: the login of imaps://imap.uni.example is left out: login pattern "
        "'%REALNAME%': %REALNAME% is none of %EMAILADDRESS% %EMAILLOCALPART% %EMAILDOMAIN%",
        f"{document}: the ews server 'https://ews.uni.example/' is left out: mailconfd does not "
        "support this type of service",
        f"{document}: a domain is left out: '%EMAILDOMAIN%' is not a domain name",
    ]
    assert len(provider(ctl)["services"]) == 2


def test_without_domain_or_id(ctl, document):
    text = DOCUMENT.replace(' id="uni"', "")
    for domain in "uni.example", "alumni.example":
        text = text.replace(f"<domain>{domain}</domain>", "")
    pathlib.Path(document).write_text(text)
    assert ctl.refused("provider", "import", document) == \
        f"{document}: the document has no id to name the provider after; give --name NAME"
    assert ctl.warned("provider", "import", document, "--name", "uni") == [
        f"{document} has no domains; add one with 'domain add DOMAIN --provider uni'"]


def test_plaintext(ctl, document):
    text = DOCUMENT.replace(">STARTTLS<", ">plain<")
    pathlib.Path(document).write_text(text)
    assert ctl.refused("provider", "import", document) == (
        f"{document}: 'submission://smtp.uni.example' would send passwords over the network in "
        "clear text; use TLS or STARTTLS, or allow it with --allow-plaintext")
    assert ctl.json("provider", "list") == []
    assert ctl("provider", "import", document, "--allow-plaintext") == ADDED


def test_no_document(ctl, tmp_path):
    missing = str(tmp_path / "missing.xml")
    assert ctl.refused("provider", "import", missing) == \
        f"cannot read '{missing}': No such file or directory"
    page = tmp_path / "page.html"
    page.write_text("<html>\n<body>Not Found</body>\n</html>\n")
    assert ctl.refused("provider", "import", str(page)) == (
        f"{page}: not an autoconfig document: it begins with <html> instead of <clientConfig>")
    page.write_text("<clientConfig>\n<emailProvider>\n</clientConfig>\n")
    assert ctl.refused("provider", "import", str(page)).startswith(f"{page}: line 4: ")
    page.write_text("<clientConfig/>" + " " * 1048576)
    assert ctl.refused("provider", "import", str(page)) == f"{page} has more than 1048576 bytes"


def test_provider_that_exists(ctl, document):
    ctl("provider", "add", "uni", *SERVICES, "--ttl", "24", "--short-name", "Old", "--show-names",
        "yes")
    ctl("domain", "add", "kept.example", "--provider", "uni")
    assert ctl.refused("provider", "import", document) == (
        "provider 'uni' exists already; use --replace to replace its services and texts")
    assert ctl("provider", "import", document, "--replace") == \
        "provider uni changed, 2 services, 2 domains\n"
    found = provider(ctl)
    assert found["domains"] == ["alumni.example", "kept.example", "uni.example"]
    assert (found["ttl"], found["show_names"], found["short_name"]) == (24, True, "Uni")
    assert found["login"] == "%EMAILLOCALPART%"
    assert [service["url"] for service in found["services"]] == [
        "imaps://imap.uni.example", "submission+starttls://smtp.uni.example"]


def test_import_again_changes_nothing(ctl, document):
    ctl("provider", "import", document)
    before = provider(ctl)
    ctl("provider", "import", document, "--replace")
    assert provider(ctl) == before


def test_domain_that_exists(ctl, document):
    ctl("domain", "add", "uni.example", *SERVICES)
    ctl("user", "add", "a@uni.example", "a4711")
    assert ctl.refused("provider", "import", document) == (
        "domain 'uni.example' exists already, with provider 'uni.example'; use --replace to give it "
        "provider 'uni'")
    assert ctl.json("domain", "list") == [
        {"domain": "uni.example", "provider": "uni.example", "enabled": True}]
    assert ctl("provider", "import", document, "--replace") == ADDED + (
        "domain uni.example taken from provider uni.example\n"
        "provider uni.example removed: no longer used\n")
    assert ctl.json("user", "list") == [{"address": "a@uni.example", "login": "a4711"}]


def test_alias_and_disabled_domain(ctl, document):
    ctl("domain", "add", "example.org", *SERVICES)
    ctl("domain", "add", "alumni.example", "--alias-of", "example.org")
    ctl("domain", "disable", "alumni.example")
    assert ctl.refused("provider", "import", document) == (
        "domain 'alumni.example' exists already, as an alias of 'example.org'; use --replace to "
        "give it provider 'uni'")
    assert ctl("provider", "import", document, "--replace") == ADDED + (
        "domain alumni.example taken from the domain it was an alias of, example.org\n")
    assert ctl.json("domain", "show", "alumni.example") == {
        "domain": "alumni.example", "provider": "uni", "enabled": False}


# From the web


class Server:
    """A web server for one document, over HTTPS unless it is told otherwise."""

    def __init__(self, certificate=None):
        self.asked = []
        self.answers = {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append((self.path, self.headers["User-Agent"]))
                status, headers, body = outer.answers.get(self.path, (404, {}, b"none"))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                pass

        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            self.scheme = "https"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def url(self, path):
        return f"{self.scheme}://localhost:{self.server.server_port}{path}"

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def web(authority):
    server = Server(authority.certificate("localhost"))
    server.answers["/config"] = 200, {"Content-Type": "application/xml"}, DOCUMENT.encode()
    yield server
    server.stop()


@pytest.fixture
def plain_web():
    server = Server()
    server.answers["/config"] = 200, {}, DOCUMENT.encode()
    yield server
    server.stop()


@pytest.fixture
def fetch(ctl, authority, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    return lambda url, *options: ("provider", "import", url, "--ca", str(authority.file), *options)


def test_url(ctl, web, fetch):
    assert ctl(*fetch(web.url("/config"))) == ADDED
    assert [path for path, _ in web.asked] == ["/config"]
    assert web.asked[0][1].startswith("mailconfctl/")


def refused_url(ctl, words):
    line = ctl.refused(*words)
    assert line.startswith(f"cannot download '{words[2]}': ")
    return line[len(f"cannot download '{words[2]}': "):]


def test_url_of_a_server_that_is_not_trusted(ctl, web):
    assert "certificate" in refused_url(ctl, ("provider", "import", web.url("/config")))
    assert web.asked == []


def test_url_that_is_not_there(ctl, web, fetch):
    assert "404" in refused_url(ctl, fetch(web.url("/nothing")))


def test_url_of_too_much(ctl, web, fetch):
    web.answers["/much"] = 200, {}, b" " * 1048577
    assert refused_url(ctl, fetch(web.url("/much"))) == "it has more than 1048576 bytes"


def test_plain_url(ctl, plain_web, fetch):
    assert refused_url(ctl, fetch(plain_web.url("/config"))) == (
        "anyone on the network path could change it; give an https URL, or use --allow-plaintext")
    assert plain_web.asked == []
    assert ctl(*fetch(plain_web.url("/config"), "--allow-plaintext")) == ADDED


def test_redirects(ctl, web, plain_web, fetch):
    for number in range(6):
        web.answers[f"/{number}"] = 302, {"Location": f"/{number + 1}"}, b""
    web.answers["/6"] = web.answers["/config"]
    assert "redirects" in refused_url(ctl, fetch(web.url("/0")))
    assert ctl(*fetch(web.url("/1"))) == ADDED

    web.answers["/down"] = 302, {"Location": plain_web.url("/config")}, b""
    web.answers["/file"] = 302, {"Location": "file:///etc/hostname"}, b""
    for path in "/down", "/file":
        for options in (), ("--allow-plaintext",):
            assert "rotocol" in refused_url(ctl, fetch(web.url(path), "--replace", *options))
    assert plain_web.asked == []
    plain_web.answers["/up"] = 302, {"Location": web.url("/config")}, b""
    ctl(*fetch(plain_web.url("/up"), "--replace", "--allow-plaintext"))


# The public database of providers

DATA = os.environ.get("MAILCONFD_TEST_DATA")
ISPDB = sorted(pathlib.Path(DATA, "ispdb").glob("*.xml")) if DATA else []


def test_public_database_is_there():
    if not DATA:
        pytest.skip("MAILCONFD_TEST_DATA is not set, so ispdb/ is not there")
    assert len(ISPDB) > 30


def comparable(ctl, name):
    found = provider(ctl, name)
    del found["domains"]
    return found


@pytest.mark.parametrize("file", ISPDB, ids=[file.stem for file in ISPDB])
def test_public_provider_comes_back_the_same(ctl, tmp_path, file):
    """Imported, served as a document, and imported from that."""
    other = tmp_path / "other"
    other.mkdir()
    again = Mailconfctl(str(other))
    result = ctl.run("provider", "import", str(file), "--allow-plaintext", "--name", "isp")
    assert result.returncode == 0, result.stderr
    first = comparable(ctl, "isp")
    assert first["services"]

    for domain in provider(ctl, "isp")["domains"][:3]:
        served = tmp_path / f"{domain}.xml"
        served.write_text(ctl.run("preview", "autoconfig", f"@{domain}").stdout)
        result = again.run("provider", "import", str(served), "--allow-plaintext", "--replace",
                           "--name", "isp")
        assert result.returncode == 0, result.stderr
        second = comparable(again, "isp")
        expected = as_served(first, domain)
        assert second == expected
        warnings = [without(line, "mailconfctl: warning: ") for line in result.stderr.splitlines()]
        assert not [line for line in warnings if line.startswith(str(served)) and
                    "no placeholder" not in line and "names no domain" not in line]


def as_served(found, domain):
    """What a document for a domain says: placeholders of hosts are replaced, for not all clients
    do that; and there is always a name."""
    text = {**found, "display_name": found.get("display_name", domain)}
    text["services"] = [
        {**service, "url": service["url"].replace("%EMAILDOMAIN%", domain)}
        for service in found["services"]
    ]
    return text


def test_public_database_as_a_whole(ctl, tmp_path):
    """All of it fits into one installation."""
    if not ISPDB:
        pytest.skip("MAILCONFD_TEST_DATA is not set, so ispdb/ is not there")
    for file in ISPDB:
        copy = shutil.copy(file, tmp_path)
        assert ctl.run("provider", "import", copy, "--allow-plaintext").returncode == 0
    assert len(ctl.json("provider", "list")) == len(ISPDB)
    assert len(ctl.json("domain", "list")) > 200


# Others meanwhile


@pytest.fixture
def silent():
    """A server that takes connections, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        yield server


def test_nobody_waits_for_a_silent_server(ctl, silent):
    ctl("init")
    url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
    waiting = ctl.start("provider", "import", url, "--allow-plaintext")
    connection, _ = silent.accept()
    with connection:
        ctl("domain", "add", "example.org", *SERVICES)
        assert waiting.poll() is None
    assert waiting.wait(20) == 1
    waiting.communicate()


def test_nobody_waits_for_standard_input(ctl, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    waiting = ctl.start("provider", "import", str(tmp_path / "pipe"))
    with open(tmp_path / "pipe", "w", encoding="utf-8") as pipe:
        ctl("domain", "add", "example.org", *SERVICES)
        pipe.write(DOCUMENT)
    assert waiting.communicate(timeout=20) == (ADDED, "")


@pytest.mark.parametrize("source", ["https://autoconfig.uni.example/", "-"])
def test_batch_waits_for_no_document(ctl, tmp_path, document, source):
    commands = tmp_path / "commands"
    commands.write_text(f"provider import {source}\n")
    assert ctl.refused("batch", str(commands)) == (
        f"{commands}:1: cannot import '{source}' in a batch, because the database is locked meanwhile; "
        "save the document to a file, and import that")
    commands.write_text(f"provider import {document}\n")
    assert ctl("batch", str(commands)) == ADDED + "1 command done\n"


@pytest.mark.parametrize("words", [
    ["provider", "import"], ["import", "automx2"], ["batch"], ["apply"], ["user", "import"],
    ["domain", "import"]], ids=" ".join)
def test_missing_file_makes_no_database(ctl, words):
    missing = os.path.join(ctl.directory, "missing")
    assert missing in ctl.refused(*words, missing)
    assert not os.path.exists(ctl.database)


@pytest.mark.parametrize("words", [["apply"], ["user", "import"], ["domain", "import"]],
                         ids=" ".join)
def test_dry_run_makes_no_database(ctl, words):
    assert ctl.refused(*words, os.devnull, "--dry-run") == (
        f"database '{ctl.database}' does not exist; create it with 'mailconfctl init'")
    assert not os.path.exists(ctl.database)


@pytest.mark.parametrize("family", ["user", "domain"])
def test_rows_for_others_make_no_database(ctl, family):
    """There would be nothing that they could refer to: it is the name that is wrong."""
    assert ctl.refused(family, "import", os.devnull) == (
        f"database '{ctl.database}' does not exist; create it with 'mailconfctl init'")
    assert not os.path.exists(ctl.database)
