"""Hostile input to every endpoint, by every method, over every port: a clean refusal or an answer that is
escaped well, each read again by a strict parser; and the daemon answers the next client as before."""
import json
import plistlib
import re
import socket
from xml.etree import ElementTree

import pytest

from daemon import Connection, Response, free_port

pytestmark = pytest.mark.sanitize

HOST = "autoconfig.example.org"
V2 = "/autodiscover/autodiscover.json"

# What a value is put into: {} is the place.
TARGETS = [
    "/autodiscover/autodiscover.xml?Email={}",
    f"{V2}?Email={{}}&Protocol=AutodiscoverV1",
    f"{V2}?Protocol=ActiveSync&email={{}}",
    f"{V2}?Email=a@example.org&Protocol={{}}",
    f"{V2}/v1.0/{{}}?Protocol=AutodiscoverV1",
    "/mail/config-v1.1.xml?emailaddress={}",
    "/mail/config-v1.1.xml?emailaddress={}%40example.org",
    "/.well-known/autoconfig/mail/config-v1.1.xml?email={}",
    "/v1.1/mail/config-v1.1.xml?emailaddress={}&emailmd5={}",
    "/.well-known/mail-v1.xml?{}",
    "/v1.1/{}",
    "/v1.1/{}.example.org",
    "/mobileconfig?emailaddress={}",
    "/mobileconfig?emailaddress={}%40example.org",
    "/.well-known/mobileconfig?email={}",
    "/email.mobileconfig?email={}",
    "/.well-known/user-agent-configuration.json?{}",
    "/.well-known/caldav?{}",
    "/.well-known/carddav/{}",
    "/.well-known/acme-challenge/{}",
    "/{}",
]

# As they come out of percent-decoding.
VALUES = [
    b'"><canary x="',
    b"'><canary>",
    b"<canary>&canary;</canary>@example.org",
    b'"<canary>&amp;"@example.org',
    b"]]><canary>@example.org",
    b"canary&lt;@example.org",
    b"canary@example.org\0.example.net",
    b"\0",
    b"canary\r\nX-Canary: 1\r\n\r\n<html>@example.org",
    b"canary\nX-Canary: 1@example.org",
    b"canary\r@example.org",
    b"canary\x1b[2J@example.org",
    b"canary\x7f@example.org",
    b"\xff\xfecanary@example.org",
    b"canary\xc0\xaf@example.org",
    b"canary\xed\xa0\x80@example.org",
    b"canary\xe2\x80\xae@example.org",
    b"canary\xef\xbf\xbe@example.org",
    b"canary@ex\xc3\xa4mple.org",
    b"../../../../etc/passwd",
    b"..%2f..%2fcanary@example.org",
    b"canary/../../x@example.org",
    b"..\\canary@example.org",
    b"canary%00@example.org",
    b"canary%@example.org",
    b"canary%n%s%n@example.org",
    b"{{canary}}@example.org",
    b"%EMAILADDRESS%canary@example.org",
    b"canary';DROP TABLE user;--@example.org",
    b"canary@example.org@example.net",
    b"@example.org",
    b"canary@",
    b"canary@[127.0.0.1]",
    b"canary@*.example.org",
    b"canary@.",
    b"canary@example..org",
    b"canary@" + b"a" * 64 + b".example.org",
    b"canary@" + b"a." * 150 + b"example.org",
    b"c" * 300 + b"canary@example.org",
    b"canary" + b"x" * 6000 + b"@example.org",
    b"canary@example.org, canary@example.net",
    b"Canary <canary@example.org>",
    b"mailto:canary@example.org?cc=x",
    b"${jndi:ldap://canary.invalid/x}@example.org",
    b"canary#@example.org",
    b"canary?x=y&emailaddress=a@example.org",
    b"a@example.org/owa/?&Email=autodiscover/autodiscover.json?a=canary.invalid",
]

HUGE = b"canary" + b"x" * 65536 + b"@example.org"

HOSTS = [
    b"", b" ", b"canary<.invalid", b'"><canary x="', b"canary&.example.org", b"a b", b"canary@example.org",
    b"autoconfig.example.org\0.invalid", b"canary\xff.invalid", b"ex\xc3\xa4mple.org", b"../canary", b"canary/../..",
    b"[::1]", b"[::1]:443", b"[canary", b"127.0.0.1", b"autoconfig.example.org:", b"autoconfig.example.org:99999",
    b"autoconfig.example.org:x", b"autoconfig.example.org:443:443", b"autoconfig.example.org, canary.invalid",
    b"autoconfig.autoconfig.example.org", b"autoconfig.", b"autodiscover", b"ua-auto-config.", b".", b"..example.org",
    b"*.example.org", b"%2e%2e", b"{{canary}}", b"a" * 64 + b".example.org", b"a." * 150 + b"example.org",
    b"canary" + b"x" * 65536,
]

METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT", "PROPFIND", "REPORT",
           "CANARY", "get", "G\xcbT", "GET<canary>"]

# ProxyShell (CVE-2021-34473) and its later shapes.
PROXYSHELL = [
    f"{V2}?@canary.invalid/owa/?&Email=autodiscover/autodiscover.json%3F@canary.invalid",
    f"{V2}?@canary.invalid/mapi/nspi/?&Email=autodiscover/autodiscover.json%3f@canary.invalid",
    f"{V2}?a=a@canary.invalid/powershell/?X-Rps-CAT=VgEAVAdXaW5kb3dz&Email=autodiscover/autodiscover.json?a=a@canary.invalid",
    f"{V2}/powershell?@canary.invalid",
    f"{V2}/..;/..;/ecp/?@canary.invalid",
    f"{V2}%3F@canary.invalid/owa",
    f"{V2}?Email=a@example.org/owa/&Protocol=AutodiscoverV1",
    f"{V2}?Email=a@example.org%2fowa&Protocol=AutodiscoverV1",
    f"{V2}?Protocol=Powershell&Email=a@example.org",
    "/autodiscover/admin@localhost/powershell/autodiscover.json?x=a",
    "/autodiscover/autodiscover.xml/owa/auth.owa?@canary.invalid",
    "/owa/auth/x.js", "/ecp/y.js", "/EWS/Exchange.asmx", "/autodiscover/autodiscover.svc",
]

BODIES = [
    "<EMailAddress>{}</EMailAddress><AcceptableResponseSchema>{outlook}</AcceptableResponseSchema>",
    "<EMailAddress>{}</EMailAddress><AcceptableResponseSchema>{mobilesync}</AcceptableResponseSchema>",
    "<EMailAddress>a@example.org</EMailAddress><AcceptableResponseSchema>{}</AcceptableResponseSchema>",
    "<EMailAddress>a@example.org</EMailAddress><LegacyDN>{}</LegacyDN>",
    "<EMailAddress>a@example.org</EMailAddress><!-- {} -->",
    "<EMailAddress><![CDATA[{}]]></EMailAddress>",
]
SCHEMAS = "http://schemas.microsoft.com/exchange/autodiscover/"
OUTLOOK = SCHEMAS + "outlook/responseschema/2006a"
MOBILESYNC = SCHEMAS + "mobilesync/responseschema/2006"

# What we may say in a header, and nothing that a request could add to.
HEADERS = {
    "content-type", "content-length", "cache-control", "access-control-allow-origin", "content-disposition", "allow",
    "location", "x-content-type-options", "referrer-policy", "connection", "date",
}
STATUSES = {200, 301, 302, 400, 404, 405, 413, 414, 431}
# libmicrohttpd's own, of requests that are not HTTP.
LIBRARY = {400, 413, 414, 431, 501, 505}


class Ports:
    """The three listeners of one daemon, each asked over connections that are kept while they last."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.open = {}

    def connect(self, port):
        if port == "https":
            return self.daemon.connect(HOST)
        return Connection({"proxy": self.daemon.proxy_port, "plain": self.daemon.plain_port}[port])

    def ask(self, port, data):
        """One request on a connection that others used before it; None where that is closed instead."""
        connection = self.open.pop(port, None) or self.connect(port)
        try:
            answer = connection.ask(data)
        except OSError:
            connection.close()
            return None
        if answer.headers.get("connection", "").lower() == "close" or connection.buffer:
            connection.close()
        else:
            self.open[port] = connection
        return answer

    def ask_apart(self, port, data):
        """All answers to bytes that may be several requests, or none. What follows them ends the connection,
        unless they did."""
        connection = self.connect(port)
        received = b""
        try:
            connection.send(data + b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            connection.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        try:
            while chunk := connection.socket.recv(65536):
                received += chunk
        except OSError:
            pass
        connection.close()
        return split(received)

    def close(self):
        for connection in self.open.values():
            connection.close()


def split(received):
    answers = []
    while received:
        answer = Response(received)
        size = int(answer.headers.get("content-length", "0"))
        answer.body, received = answer.body[:size], answer.body[size:]
        answers.append(answer)
    return answers


@pytest.fixture
def ports(daemon):
    daemon.plain_port, daemon.proxy_port = free_port(), free_port()
    daemon.settings["server"].update({
        "public-name": "auto.example.net",
        "listen-http": f"127.0.0.1:{daemon.plain_port}",
        "behind-proxy": f"127.0.0.1:{daemon.proxy_port}",
        "redirect": "same-host",
    })
    challenges = daemon.directory / "challenges"
    challenges.mkdir()
    daemon.settings["acme"] = {"directory": challenges}
    daemon.settings["log"]["addresses"] = "full"
    # A connection waits while all values go over another, which takes a loaded machine a while.
    daemon.settings["limits"]["idle-timeout"] = "600s"
    daemon.setup(
        ["domain", "add", "example.org", "imaps://imap.example.org", "submissions://smtp.example.org",
         "activesync+https://sync.example.org/Microsoft-Server-ActiveSync", "caldav+https://dav.example.org/dav",
         "--pacc", "yes", "--activesync-v2", "yes"],
        ["domain", "add", "*.example.org", "--alias-of", "example.org"],
        ["user", "add", "first.last@example.org", "a4711"],
    )
    daemon.start()
    opened = Ports(daemon)
    yield opened
    opened.close()


def good_answers(ports):
    """The answers to clients that mean well: what may come, and what comes afterwards too."""
    post = ("<Autodiscover><Request><EMailAddress>first.last@example.org</EMailAddress>"
            "<AcceptableResponseSchema>%s</AcceptableResponseSchema></Request></Autodiscover>")
    requests = [
        get("/mail/config-v1.1.xml?emailaddress=first.last%40example.org"),
        get("/mail/config-v1.1.xml"),
        get("/mobileconfig?emailaddress=first.last%40example.org"),
        get(f"{V2}?Email=first.last@example.org&Protocol=AutodiscoverV1"),
        get("/autodiscover/autodiscover.xml"),
        get("/.well-known/caldav"),
        request(b"GET", b"/.well-known/user-agent-configuration.json", b"ua-auto-config.example.org"),
        request(b"POST", b"/autodiscover/autodiscover.xml", body=(post % OUTLOOK).encode()),
        request(b"POST", b"/autodiscover/autodiscover.xml", body=(post % MOBILESYNC).encode()),
        request(b"POST", b"/autodiscover/autodiscover.xml", body=b"nonsense"),
    ]
    answers = [ports.ask("https", data) for data in requests]
    assert [answer.status for answer in answers] == [200, 200, 200, 200, 200, 301, 200, 200, 200, 200]
    answers.append(ports.ask("plain", get("/mail/config-v1.1.xml")))
    assert answers[-1].status == 302
    return answers


def get(target):
    return request(b"GET", target.encode())


def request(method, target, host=HOST.encode(), body=None):
    head = b"%s %s HTTP/1.1\r\nHost: %s\r\n" % (method, target, host)
    if body is not None:
        head += b"Content-Length: %d\r\n" % len(body)
    return head + b"\r\n" + (body or b"")


def percent(value):
    return "".join(f"%{byte:02x}" for byte in value)


def tags(body):
    return tuple(element.tag for element in ElementTree.fromstring(body).iter())


def unique(pairs):
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names))
    return dict(pairs)


class Judge:
    """Says whether an answer may be given; shapes are the elements of the documents that there are."""

    def __init__(self, answers):
        self.shapes = {tags(answer.body) for answer in answers if "xml" in answer.headers.get("content-type", "")}
        assert len(self.shapes) > 3

    def check(self, method, answer):
        assert answer.status in STATUSES | LIBRARY
        if answer.status in LIBRARY and "x-content-type-options" not in answer.headers:
            assert b"canary" not in answer.raw
            return
        assert answer.status in STATUSES
        assert set(answer.headers) <= HEADERS
        self.check_headers(answer)
        if method != "HEAD":
            self.check_body(answer)

    def check_headers(self, answer):
        for name in ("location", "content-disposition"):
            value = answer.headers.get(name, "")
            assert re.fullmatch(r'[A-Za-z0-9._~%:/?=;" -]*', value), value
        assert answer.headers.get("access-control-allow-origin", "*") == "*"
        assert ("location" in answer.headers) == (answer.status in (301, 302))
        if "location" in answer.headers:
            assert re.match(r"https://((auto\.example\.net|[a-z.]*example\.org)/|dav\.example\.org/dav$)",
                            answer.headers["location"])

    def check_body(self, answer):
        kind = answer.headers.get("content-type", "")
        if "apple" in kind:
            assert answer.status == 200
            assert set(plistlib.loads(answer.body, fmt=plistlib.FMT_XML)) > {"PayloadUUID", "PayloadIdentifier"}
            assert answer.body.count(b"<!") == 1
        elif "xml" in kind:
            assert answer.status == 200
            assert b"<!" not in answer.body
            assert tags(answer.body) in self.shapes
        elif "json" in kind:
            document = json.loads(answer.body.decode("utf-8"), object_pairs_hook=unique)
            assert answer.status == (400 if "ErrorCode" in document else 200)
            assert b"canary" not in answer.body
        else:
            assert re.fullmatch(rb"[A-Za-z0-9 .,=-]*\n", answer.body), answer.body
            assert answer.status != 200


def check_afterwards(ports, before):
    """Nobody else notices, and the log says what happened in lines that are lines."""
    assert [answer.body for answer in good_answers(ports)] == [answer.body for answer in before]
    log = ports.daemon.log()
    assert re.fullmatch(r"[\n\x20-\x7e]*", log)
    assert all(re.match(r"\d{4}\S+Z (sandbox|listening|ready|client=|warning: running as root)", line) for line in log.splitlines()), log
    assert not re.search(r"status=50\d", log)


PORTS = ["https", "proxy", "plain"]


def run(ports, port, rows, apart=False):
    before = good_answers(ports)
    judge = Judge(before)
    answered = 0
    for method, data in rows:
        answers = ports.ask_apart(port, data) if apart else [ports.ask(port, data)]
        for answer in filter(None, answers):
            try:
                judge.check(method, answer)
            except (AssertionError, ElementTree.ParseError, ValueError) as error:
                raise AssertionError(f"{data[:400]!r} on {port} is answered {answer.raw[:1200]!r}") from error
            answered += 1
    check_afterwards(ports, before)
    return answered


@pytest.mark.parametrize("port", PORTS)
def test_encoded_values(ports, port):
    """Every target, every value. All are requests, so each has its answer."""
    rows = [("GET", get(target.replace("{}", percent(value)))) for target in TARGETS for value in VALUES
            if len(percent(value)) < 7000]
    assert run(ports, port, rows) == len(rows)
    rows = [("GET", get(target.replace("{}", percent(HUGE)))) for target in TARGETS]
    run(ports, port, rows)


@pytest.mark.parametrize("port", ["proxy", "plain"])
def test_raw_values(ports, port):
    """As they are, also where that makes another request of it, or several, or none. Over TLS it is the same
    parser, but no half of a connection can be closed there to say that this was all."""
    rows = [("GET", b"GET " + target.encode().replace(b"{}", value) + b" HTTP/1.1\r\nHost: " + HOST.encode() + b"\r\n\r\n")
            for target in TARGETS for value in VALUES + [HUGE]]
    assert run(ports, port, rows, apart=True) > len(rows) / 2


@pytest.mark.parametrize("port", PORTS)
def test_methods(ports, port):
    paths = [target.partition("?")[0].replace("{}", "example.org") for target in TARGETS]
    rows = [(method, request(method.encode("latin-1"), path.encode(), body=body))
            for path in paths for method in METHODS for body in (None, b"<canary>", b"x" * 9000)
            if not (method in ("GET", "HEAD") and body)]
    assert run(ports, port, rows) > len(rows) / 2


@pytest.mark.parametrize("port", PORTS)
def test_hosts(ports, port):
    paths = [target.partition("?")[0].replace("{}", "x").encode() for target in TARGETS]
    paths.append(b"/mail/config-v1.1.xml?emailaddress=a@example.org")
    rows = [("GET", request(b"GET", path, host)) for path in paths for host in HOSTS]
    assert run(ports, port, rows) > len(rows) / 2
    rows = [("GET", b"GET " + path + b" HTTP/1.0\r\n\r\n") for path in paths]
    assert run(ports, port, rows) == len(rows)


def test_forwarded_hosts(ports):
    """A trusted proxy passes on what a client wrote."""
    paths = [target.partition("?")[0].replace("{}", "x").encode() for target in TARGETS]
    rows = [("GET", b"GET %s HTTP/1.1\r\nHost: proxy.invalid\r\nX-Forwarded-Host: %s\r\nX-Forwarded-For: %s\r\n\r\n"
             % (path, host, host)) for path in paths for host in HOSTS]
    assert run(ports, "proxy", rows) > len(rows) / 2


@pytest.mark.parametrize("port", PORTS)
def test_bodies(ports, port):
    def bodies():
        for body in BODIES:
            for value in VALUES + [HUGE]:
                for form in (value, value.replace(b"&", b"&amp;").replace(b"<", b"&lt;"),
                             b"".join(b"&#%d;" % byte for byte in value[:40])):
                    yield body.replace("{outlook}", OUTLOOK).replace("{mobilesync}", MOBILESYNC).encode() \
                        .replace(b"{}", form)
    rows = [("POST", request(b"POST", b"/autodiscover/autodiscover.xml",
                             body=b"<Autodiscover><Request>" + body + b"</Request></Autodiscover>"))
            for body in bodies()]
    answered = run(ports, port, rows)
    assert port == "plain" or answered > len(rows) * 0.9


@pytest.mark.parametrize("target", PROXYSHELL)
def test_proxyshell(ports, target):
    before = good_answers(ports)
    for method in ("GET", "POST"):
        answer = ports.ask("proxy", request(method.encode(), target.encode()))
        Judge(before).check(method, answer)
        assert answer.status in (400, 404, 405)
        assert b"canary" not in answer.raw
    check_afterwards(ports, before)


GOOD, OTHER = "first.last%40example.org", "x%40elsewhere.invalid"


@pytest.mark.parametrize(
    "target, same_as",
    [
        # The first of a name counts, and of two names the first that comes.
        (f"/mail/config-v1.1.xml?emailaddress={GOOD}&emailaddress={OTHER}", f"/mail/config-v1.1.xml?email={GOOD}"),
        (f"/mail/config-v1.1.xml?email={GOOD}&emailaddress={OTHER}", f"/mail/config-v1.1.xml?email={GOOD}"),
        (f"/mail/config-v1.1.xml?EMAILADDRESS={GOOD}&x={OTHER}", f"/mail/config-v1.1.xml?email={GOOD}"),
        (f"/mail/config-v1.1.xml?x=?&emailaddress={GOOD}#&emailaddress={OTHER}", f"/mail/config-v1.1.xml?email={GOOD}"),
        (f"/mobileconfig?emailaddress={GOOD}&email={OTHER}", f"/mobileconfig?email={GOOD}"),
        (f"{V2}?Email={GOOD}&email={OTHER}&Protocol=AutodiscoverV1&Protocol=x", f"{V2}?Email={GOOD}&Protocol=AutodiscoverV1"),
        # The address in the path counts, not one beside it.
        (f"{V2}/v1.0/{GOOD}?Email={OTHER}&Protocol=AutodiscoverV1", f"{V2}?Email={GOOD}&Protocol=AutodiscoverV1"),
        (f"/v1.1/example.org?emailaddress={OTHER}", "/v1.1/example.org"),
    ],
)
def test_conflicting_parameters_agree(ports, target, same_as):
    answer, wanted = ports.ask("https", get(target)), ports.ask("https", get(same_as))
    assert (answer.status, answer.body) == (200, wanted.body)


@pytest.mark.parametrize(
    "target, status, words",
    [
        (f"{V2}?Email=&Email={GOOD}&Protocol=AutodiscoverV1", 400, b"MandatoryParameterMissing"),
        (f"{V2}?Email={OTHER}&Email={GOOD}&Protocol=AutodiscoverV1", 400, b"UserNotFound"),
        (f"{V2}?Email={GOOD}&Protocol=&Protocol=AutodiscoverV1", 400, b"MissingProtocol"),
        (f"{V2}?Email={GOOD}&Protocol=x&Protocol=AutodiscoverV1", 400, b"InvalidProtocol"),
        (f"/mobileconfig?emailaddress=&email={GOOD}", 400, b""),
        (f"/mobileconfig?emailaddress={GOOD}&PassWord=x", 400, b"never send a password"),
        (f"/mobileconfig?emailaddress={GOOD}&p%61ssword", 400, b"never send a password"),
        (f"/v1.1/example.org/../{GOOD}", 404, b""),
    ],
)
def test_conflicting_parameters_are_refused(ports, target, status, words):
    answer = ports.ask("https", get(target))
    assert answer.status == status and words in answer.body
