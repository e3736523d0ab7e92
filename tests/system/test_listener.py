"""The listener: handshakes, names, bodies, and connections that stay usable."""
import os
import pathlib
import re
import socket
import ssl
import subprocess
import time

import pytest

from daemon import PATIENCE, Connection, free_port

pytestmark = pytest.mark.sanitize

OUTLOOK = (pathlib.Path(__file__).parents[1] / "golden/outlook/r01-thunderbird/request.http").read_bytes()
CONFIG = b"GET /mail/config-v1.1.xml HTTP/1.1\r\nHost: autoconfig.example.com\r\n\r\n"


@pytest.fixture
def served(daemon):
    daemon.setup(
        ["domain", "add", "example.com", "imaps://imap.example.com", "submissions://smtp.example.com"]
    )
    return daemon


def client_hello(context, name):
    """The bytes of a ClientHello."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        session.do_handshake()
    return outgoing.read()


def processor_seconds(process):
    with open(f"/proc/{process.pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_until_closed(connection):
    connection.settimeout(PATIENCE)
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        pass


def test_silent_handshakes_cost_nothing(served):
    """A whole ClientHello, half of one, or nothing, and then silence."""
    served.settings["limits"]["handshake-timeout"] = "4s"
    served.start()
    arrival = time.monotonic()
    hello = client_hello(served.context(), "autoconfig.example.com")
    pieces = (hello, hello[: len(hello) // 2], b"")
    silent = []
    for i in range(50):
        connection = socket.create_connection(("127.0.0.1", served.port))
        connection.sendall(pieces[i % 3])
        silent.append(connection)
    assert served.ask(CONFIG, "autoconfig.example.com").status == 200

    before, start = processor_seconds(served.process), time.monotonic()
    time.sleep(2)
    used = (processor_seconds(served.process) - before) / (time.monotonic() - start)
    print(f"50 silent handshakes use {used:.1%} of a core")
    assert used < 0.05
    assert served.ask(OUTLOOK, "autodiscover.example.com").status == 200

    for connection in silent:
        wait_until_closed(connection)
        connection.close()
    assert 4 <= time.monotonic() - arrival < 15, "they are closed at their deadline"
    assert served.ask(CONFIG, "autoconfig.example.com").status == 200


def test_slow_handshakes_succeed(served):
    """A client that sends its ClientHello byte by byte is still a client."""
    served.start()
    context = served.context()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_hostname="autoconfig.example.com")
    connection = socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE)
    while True:
        try:
            session.do_handshake()
            break
        except ssl.SSLWantReadError:
            for byte in outgoing.read():
                connection.sendall(bytes([byte]))
                time.sleep(0.0005)
            incoming.write(connection.recv(65536))
    session.write(CONFIG)
    for byte in outgoing.read():
        connection.sendall(bytes([byte]))
    while True:
        incoming.write(connection.recv(65536))
        try:
            assert session.read(15) == b"HTTP/1.1 200 OK"
            break
        except ssl.SSLWantReadError:  # only session tickets so far
            continue
    connection.close()


def test_garbage_and_broken_handshakes(served):
    served.start()
    hello = client_hello(served.context(), "autoconfig.example.com")
    for data in (b"GET / HTTP/1.1\r\n\r\n", b"\0" * 500, b"\x16\x03\x01\xff\xff" + b"A" * 500, hello + b"X" * 50):
        connection = socket.create_connection(("127.0.0.1", served.port))
        connection.sendall(data)
        wait_until_closed(connection)
        connection.close()
    for _ in range(50):
        connection = socket.create_connection(("127.0.0.1", served.port))
        connection.sendall(hello)
        # A reset instead of an orderly end.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
    assert served.ask(CONFIG, "autoconfig.example.com").status == 200
    wait_for_descriptors(served, 60)


def wait_for_descriptors(daemon, limit):
    """Connections that ended give their descriptors back."""
    deadline = time.monotonic() + PATIENCE
    while daemon.open_descriptors() > limit:
        assert time.monotonic() < deadline, "descriptors are not given back"
        time.sleep(0.05)


def test_connections_beyond_the_limit_wait(served):
    """With few descriptors, so that the limit is soon reached: the rest waits for its turn, nobody
    spins, and once the connections have gone others are served."""
    served.descriptors = 166
    served.start()
    idle = served.open_descriptors()
    for _ in range(3):
        silent = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(200)]
        deadline = time.monotonic() + PATIENCE
        while served.open_descriptors() < idle + 50:
            assert time.monotonic() < deadline, "the limit is lower than expected"
            time.sleep(0.01)
        before = processor_seconds(served.process)
        time.sleep(0.5)
        print(f"at the limit it uses {processor_seconds(served.process) - before:.2f} s in 0.5 s")
        assert served.open_descriptors() < served.descriptors
        for connection in silent:
            connection.close()
        assert served.ask(CONFIG, "autoconfig.example.com").status == 200


def names_of(connection):
    return {value for kind, value in connection.socket.getpeercert()["subjectAltName"]}


def test_certificate_by_name(served):
    served.add_certificate("exact", "imap.example.com")
    served.add_certificate("wild", "*.wild.example")
    served.start()
    context = served.context()
    assert names_of(served.connect("imap.example.com")) == {"imap.example.com"}
    assert names_of(served.connect("IMAP.Example.COM")) == {"imap.example.com"}
    assert "*.example.com" in names_of(served.connect("other.example.com"))
    assert names_of(served.connect("a.wild.example")) == {"*.wild.example"}
    context.check_hostname = False
    for unknown in ("wild.example", "a.b.wild.example", "unknown.invalid"):
        with pytest.raises(ssl.SSLError, match="(?i)unrecognized.name"):
            served.connect(unknown, context)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_refusal_is_an_alert_in_both_versions(served, version):
    served.start()
    context = served.context()
    context.minimum_version = context.maximum_version = version
    with pytest.raises(ssl.SSLError, match="(?i)unrecognized.name"):
        served.connect("unknown.invalid", context)


def test_unknown_name_may_get_the_default(served):
    served.add_certificate("default", "default.example.net")
    served.settings["tls"].update({"unknown-name": "default", "default-certificate": "default.example.net"})
    served.start()
    context = served.context()
    context.check_hostname = False
    assert names_of(served.connect("unknown.invalid", context)) == {"default.example.net"}
    assert names_of(served.connect(None, context)) == {"default.example.net"}


def s_client(daemon, *options):
    result = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{daemon.port}", "-CAfile", daemon.authority.file,
         "-verify_return_error", *options],
        input=b"", capture_output=True, check=False, timeout=PATIENCE)
    return result.stdout.decode() + result.stderr.decode()


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_the_client_decides_between_rsa_and_ecdsa(served, version):
    served.add_certificate("both-ec", "both.example.org")
    served.add_certificate("both-rsa", "both.example.org", options=("--rsa",))
    served.start()
    ask = lambda *more: s_client(served, "-servername", "both.example.org", version, *more)
    key = lambda output: re.search(r"Public Key Algorithm: (\S+)|Server public key is (\d+) bit", output).group(2)
    assert key(ask()) == "256"
    assert key(ask("-sigalgs", "RSA-PSS+SHA256:RSA+SHA256")) == "2048"
    assert key(ask("-sigalgs", "ECDSA+SHA256")) == "256"


def test_old_tls_is_refused(served):
    served.start()
    output = s_client(served, "-servername", "autoconfig.example.com", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
    assert "Cipher is (NONE)" in output or "Cipher    : 0000" in output


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_resume_at_any_worker(served, version):
    served.start()
    context = served.context()
    context.minimum_version = context.maximum_version = version
    first = served.connect("autoconfig.example.com", context)
    assert first.ask(CONFIG).status == 200
    session = first.socket.session
    first.close()
    for _ in range(8):
        raw = socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE)
        again = context.wrap_socket(raw, server_hostname="autoconfig.example.com", session=session)
        assert again.session_reused
        again.sendall(CONFIG)
        assert again.recv(15) == b"HTTP/1.1 200 OK"
        session = again.session
        again.close()


def test_silent_connections_are_closed(served):
    served.settings["limits"]["idle-timeout"] = "2s"
    served.start()
    begun = time.monotonic()
    connection = served.connect("autoconfig.example.com")
    assert connection.ask(CONFIG).status == 200
    assert connection.is_closed()
    assert 1 <= time.monotonic() - begun < 15


@pytest.mark.parametrize("is_tls", [True, False])
def test_dribbled_requests_are_cut(served, is_tls):
    """Sending a byte now and then does not keep a connection open."""
    port = free_port()
    served.settings["limits"]["idle-timeout"] = "2s"
    served.settings["server"]["listen-http"] = f"127.0.0.1:{port}"
    served.start()
    connection = served.connect("autoconfig.example.com") if is_tls else Connection(port)
    connection.send(b"GET / HTTP/1.1\r\nHost: example.com\r\nX-Slow: ")
    begun = time.monotonic()
    with pytest.raises(OSError):
        while time.monotonic() - begun < 30:
            connection.send(b"x")
            time.sleep(0.2)
    assert 1 <= time.monotonic() - begun < 15
    connection.close()
    assert served.ask(CONFIG, "autoconfig.example.com").status == 200


def test_default_certificate_is_that_of_the_public_name(served):
    served.add_certificate("zz-public", "public.example.net")
    served.settings["server"]["public-name"] = "public.example.net:8443"
    served.start()
    context = served.context()
    context.check_hostname = False
    assert names_of(served.connect(None, context)) == {"public.example.net"}


def test_as_many_threads_as_asked_for(served):
    served.settings["server"]["threads"] = "3"
    served.start()
    if os.environ.get("MAILCONFD_MODE", "plain") == "plain":
        assert len(os.listdir(f"/proc/{served.process.pid}/task")) == 4
    assert "threads=3" in served.log()


def test_connection_stays_usable(served):
    """What Thunderbird sends to / after login must not cost it the connection."""
    served.start()
    connection = served.connect("autoconfig.example.com")
    for method in ("PROPFIND", "PUT", "DELETE", "OPTIONS", "REPORT", "POST"):
        head = f"{method} / HTTP/1.1\r\nHost: example.com\r\nContent-Length: 3000\r\n\r\n"
        assert connection.ask(head.encode() + b"x" * 3000).status == 404
    assert connection.ask(b"HEAD / HTTP/1.1\r\nHost: example.com\r\n\r\n").status == 404
    answer = connection.ask(b"PUT /mail/config-v1.1.xml HTTP/1.1\r\nHost: example.com\r\nContent-Length: 2\r\n\r\nab")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
    assert connection.ask(CONFIG).status == 200
    connection.send(CONFIG + CONFIG + CONFIG)
    assert [connection.receive().status for _ in range(3)] == [200, 200, 200]
    connection.close()


@pytest.mark.parametrize(
    "method, target, status",
    [
        ("PROPFIND", "/.well-known/caldav", 301),
        ("REPORT", "/.well-known/carddav", 301),
        ("PUT", "/", 404),
        ("POST", "/mail/config-v1.1.xml", 405),
        ("GET", "/mail/config-v1.1.xml", 200),
        ("GET", "/autodiscover/autodiscover.xml", 200),
    ],
)
def test_body_that_nobody_reads_is_dropped(served, method, target, status):
    """Up to 64 KiB of it, of a known length or in chunks, and the connection is as good as before."""
    served.ctl("service", "add", "example.com", "caldav+https://dav.example.com/")
    served.ctl("service", "add", "example.com", "carddav+https://dav.example.com/")
    served.start()
    connection = served.connect("autodiscover.example.com")
    head = f"{method} {target} HTTP/1.1\r\nHost: autodiscover.example.com\r\n".encode()
    for size in (8192, 8193, 65536):
        answer = connection.ask(head + f"Content-Length: {size}\r\n\r\n".encode() + b"x" * size)
        assert (answer.status, answer.headers.get("connection")) == (status, None)
    chunks = (b"400\r\n" + b"x" * 1024 + b"\r\n") * 64 + b"0\r\n\r\n"
    assert connection.ask(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks).status == status
    answer = connection.ask(head + b"Content-Length: 65537\r\n\r\n")
    assert (answer.status, answer.headers["connection"].lower()) == (413, "close")
    connection.close()


def head_of(length):
    return (
        "POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: autodiscover.example.com\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


@pytest.mark.parametrize("length", ["8193", "1000000", "99999999999999999999"])
def test_announced_body_is_refused_at_once(served, length):
    """The answer comes before a byte of the body is sent."""
    served.start()
    connection = served.connect("autodiscover.example.com")
    answer = connection.ask(head_of(length))
    assert (answer.status, answer.headers["connection"].lower()) == (413, "close")
    assert connection.is_closed()


@pytest.mark.parametrize("length", [30000, 500000])
def test_refusal_reaches_a_client_that_sends_on(served, length):
    """It can send all, and only then look for the answer."""
    served.start()
    for _ in range(20):
        connection = served.connect("autodiscover.example.com")
        assert connection.ask(head_of(length) + b"x" * length).status == 413
        assert connection.is_closed()
        connection.close()


def test_refusal_of_the_plain_port_reaches_a_client_that_sends_on(served):
    plain = free_port()
    served.settings["server"]["listen-http"] = f"127.0.0.1:{plain}"
    served.start()
    for _ in range(3):
        connection = Connection(plain)
        connection.send(head_of(2000000))
        for _ in range(200):
            connection.send(b"x" * 10000)
        assert connection.receive().status == 405
        assert connection.is_closed()
        connection.close()


def test_connections_that_linger_are_closed(served):
    """However their clients behave, and without a descriptor left behind."""
    served.start()
    served.ask(CONFIG)
    before = served.open_descriptors()
    connections = [served.connect("autodiscover.example.com") for _ in range(50)]
    for connection in connections:
        assert connection.ask(head_of(1000000)).status == 413
        assert connection.is_closed()
    assert served.ask(CONFIG).status == 200
    deadline = time.monotonic() + PATIENCE
    while served.open_descriptors() > before:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    for connection in connections:
        connection.close()


def test_chunked_body_is_dropped_up_to_its_bound(served):
    served.start()
    connection = served.connect("autodiscover.example.com")
    connection.send(
        b"POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: autodiscover.example.com\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n" + (b"400\r\n" + b"x" * 1024 + b"\r\n") * 63 + b"0\r\n\r\n"
    )
    assert connection.receive().status == 413
    connection.close()


def test_chunked_body_beyond_all_bounds_is_cut(served):
    served.start()
    connection = served.connect("autodiscover.example.com")
    connection.send(
        b"POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: autodiscover.example.com\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )
    try:
        for _ in range(80):
            connection.send(b"400\r\n" + b"x" * 1024 + b"\r\n")
    except OSError:
        pass
    assert connection.is_closed()
    assert served.ask(CONFIG, "autoconfig.example.com").status == 200


def test_request_in_small_pieces(served):
    served.start()
    connection = served.connect("autodiscover.example.com")
    for start in range(0, len(OUTLOOK), 7):
        connection.send(OUTLOOK[start : start + 7])
    assert connection.receive().status == 200
    connection.close()


def test_overlong_head_is_refused(served):
    served.start()
    connection = served.connect("autoconfig.example.com")
    try:
        answer = connection.ask(b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: example.com\r\n\r\n")
        assert answer.status in (413, 414, 431)
    except ConnectionError:
        pass
    connection.close()
    assert served.ask(CONFIG, "autoconfig.example.com").status == 200


@pytest.mark.parametrize(
    "request_",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET  HTTP/1.1\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: example.com\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: example.com\r\nA: " + b"a" * 9000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: example.com\r\n" + b"A: b\r\n" * 2000 + b"\r\n",
        b"GET /\0 HTTP/1.1\r\nHost: \0\r\n\r\n",
        b"GET /?" + b"a&" * 3000 + b" HTTP/1.1\r\nHost: example.com\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: example.com\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: example.com\r\nContent-Length: 1x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: example.com\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nHost: example.com\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\nHost: example.com\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        b"POST / HTTP/1.1\r\nHost: example.com\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: example.com\r\nTransfer-Encoding: gzip\r\n\r\nab",
        b"POST / HTTP/1.1\r\nHost: example.com\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
    ids=lambda request_: repr(request_[-30:]),
)
def test_malformed_requests(served, request_):
    """Whatever becomes of it, the next client is served, and nothing of it is left at the end."""
    served.settings["limits"]["idle-timeout"] = "2s"
    served.start()
    connection = served.connect("autoconfig.example.com")
    connection.send(request_)
    connection.socket.shutdown(socket.SHUT_WR)
    wait_until_closed(connection.socket)
    connection.close()
    assert served.ask(CONFIG, "autoconfig.example.com").status == 200


def test_plain_port_gives_nothing_away(served):
    port = free_port()
    served.settings["server"]["listen-http"] = f"127.0.0.1:{port}"
    served.start()
    for request, status in ((CONFIG, 302), (OUTLOOK, 405)):
        connection = Connection(port)
        answer = connection.ask(request)
        assert answer.status == status
        assert b"imap." not in answer.raw and b"<" not in answer.body
        connection.close()


@pytest.mark.skipif(not os.path.exists("/proc/net/if_inet6"), reason="this machine has no IPv6")
def test_ipv6_and_both(served):
    port = served.port
    served.settings["server"]["listen-https"] = f"[::]:{port}"
    served.start()
    assert served.ask(CONFIG, "autoconfig.example.com").status == 200
    raw = socket.create_connection(("::1", port), timeout=PATIENCE)
    connection = served.context().wrap_socket(raw, server_hostname="autoconfig.example.com")
    connection.sendall(CONFIG)
    assert connection.recv(15) == b"HTTP/1.1 200 OK"
    connection.close()


@pytest.mark.skipif(not os.path.exists("/proc/net/if_inet6"), reason="this machine has no IPv6")
def test_both_wildcards_side_by_side(served):
    port = served.port
    served.settings["server"]["listen-https"] = f"0.0.0.0:{port} [::]:{port}"
    served.start()
    for address in ("127.0.0.1", "::1"):
        raw = socket.create_connection((address, port), timeout=PATIENCE)
        connection = served.context().wrap_socket(raw, server_hostname="autoconfig.example.com")
        connection.sendall(CONFIG)
        assert connection.recv(15) == b"HTTP/1.1 200 OK"
        connection.close()


def test_target_may_be_a_whole_url(served):
    served.start()
    request = CONFIG.replace(b"GET /", b"GET https://autoconfig.example.com/")
    assert served.ask(request, "autoconfig.example.com").status == 200


@pytest.mark.parametrize("target", ["/autodiscover/x/v1.0/secret.person@example.com",
                                    "/autodiscover/autodiscover.xml%3Femailaddress=secret.person@example.com",
                                    "/a/secret.person%40example.com/b",
                                    "/secret.person%40example.com/b@example.com"])
def test_addresses_in_paths_stay_out_of_the_log(served, target):
    served.start()
    served.ask(f"GET {target} HTTP/1.1\r\nHost: example.com\r\n\r\n".encode(), "example.com")
    served.wait_for_log("outcome=")
    assert "secret" not in served.log() and "/...\"" in served.log()


def test_hostile_log_fields_are_escaped(served):
    served.start()
    request = b"GET /\x1b[31m%0aforged HTTP/1.1\r\nHost: evil\x1b]0;\"x\r\n\r\n"
    try:
        served.ask(request, "autoconfig.example.com")
    except ConnectionError:
        pass
    served.ask(CONFIG, "autoconfig.example.com")
    served.wait_for_log("outcome=settings")
    assert "\x1b" not in served.log()
    assert "\nforged" not in served.log()
