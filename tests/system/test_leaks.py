"""Nothing leaks: no answer says what software answers, or which version."""
import re

import pytest

from daemon import Connection, free_port
from test_life import ADDRESS, OUTLOOK

WORDS = re.compile(rb"mailconf|microhttpd|gnutls|sqlite|libxml|\bMHD\b|\r\n(server|via|x-powered-by):",
                   re.IGNORECASE)
HOST = b"Host: autoconfig.example.org\r\n"


@pytest.fixture
def served(daemon):
    daemon.plain = free_port()
    daemon.settings["server"]["listen-http"] = f"127.0.0.1:{daemon.plain}"
    daemon.settings["server"]["public-name"] = "autoconfig.example.org"
    daemon.setup(
        ["domain", "add", "example.org", "imaps://imap.example.org",
         "submissions://smtp.example.org", "caldav+https://dav.example.org/cal"],
        ["provider", "set", "example.org", "--pacc", "yes"],
    )
    return daemon.start()


def get(target, headers=HOST, version=b"HTTP/1.1"):
    return b"GET " + target.encode() + b" " + version + b"\r\n" + headers + b"\r\n"


REQUESTS = {
    "autoconfig": get(ADDRESS),
    "unknown domain": get("/mail/config-v1.1.xml?emailaddress=a%40absent.invalid"),
    "unknown path": get("/"),
    "v2": get("/autodiscover/autodiscover.json?Email=a%40example.org&Protocol=AutodiscoverV1"),
    "PACC": get("/.well-known/user-agent-configuration.json", b"Host: example.org\r\n"),
    "calendars": get("/.well-known/caldav"),
    "profile": get("/mobileconfig?emailaddress=first.last%40example.org"),
    "method": b"DELETE /mail/config-v1.1.xml HTTP/1.1\r\n" + HOST + b"\r\n",
    "outlook": b"POST /autodiscover/autodiscover.xml HTTP/1.1\r\n" + HOST
               + f"Content-Length: {len(OUTLOOK)}\r\n\r\n{OUTLOOK}".encode(),
    "no XML": b"POST /autodiscover/autodiscover.xml HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\n\r\nx",
    "too large": b"POST /autodiscover/autodiscover.xml HTTP/1.1\r\n" + HOST + b"Content-Length: 9999999\r\n\r\n",
    "no host": get("/mail/config-v1.1.xml", b""),
    "no HTTP": b"nonsense\r\n\r\n",
    "long path": get("/" + "a" * 20000),
    "long header": get("/", HOST + b"X: " + b"a" * 20000 + b"\r\n"),
    "old version": get("/", HOST, b"HTTP/0.9"),
    "new version": get("/", HOST, b"HTTP/2.0"),
    "bad length": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: x\r\n\r\n",
}


def everything(connection, request):
    """All that comes until the server closes."""
    connection.send(request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
    received = b""
    try:
        while data := connection.socket.recv(65536):
            received += data
    except ConnectionError:
        pass
    return received


@pytest.mark.parametrize("name", REQUESTS)
def test_no_answer_names_the_software(served, name):
    for connection in served.connect(), Connection(served.plain):
        answer = everything(connection, REQUESTS[name])
        assert not WORDS.search(answer), answer
