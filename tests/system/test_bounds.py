"""What neither a client nor an invalid row of the database can make the daemon do."""
import os
import pathlib
import re
import socket
import sqlite3
import subprocess
import threading
import time
import urllib.request

import pytest

import tls_records
from daemon import PATIENCE, free_port

pytestmark = pytest.mark.sanitize

CONFIG = "/mail/config-v1.1.xml?emailaddress=first.last%40example.org"

EXTENSION = """
#include <fcntl.h>
__attribute__((constructor)) static void loaded(void)
{
	(void)open("%s", O_CREAT | O_WRONLY, 0600);
}
int sqlite3_extension_init(void *database, char **error, const void *api)
{
	return 0;
}
"""


@pytest.fixture
def served(daemon):
    daemon.setup(
        ["domain", "add", "example.org", "imaps://imap.example.org", "submissions://smtp.example.org"],
        ["user", "add", "first.last@example.org", "a4711"],
    )
    return daemon


@pytest.fixture
def extension(tmp_path):
    """A library that leaves a mark when it is loaded."""
    mark, source, library = (tmp_path / name for name in ("mark", "evil.c", "evil.so"))
    source.write_text(EXTENSION % mark)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source], check=True)
    return library, mark


def as_view(table, expression):
    """In the place of the table: what reads it evaluates the expression."""
    return [f"ALTER TABLE {table} RENAME TO kept", f"CREATE VIEW {table} AS SELECT * FROM kept WHERE {expression}"]


HOSTILE = {
    "a view that loads code": lambda library: as_view("user", f"coalesce(load_extension('{library}'), 1)"),
    "a view that reads pragmas": lambda library: as_view(
        "user", "(SELECT count(*) FROM pragma_writable_schema) IS NOT NULL"),
    "a view that attaches a tokenizer": lambda library: as_view("user", "fts3_tokenizer('x') IS NULL"),
    "triggers": lambda library: [
        f"CREATE TRIGGER hostile_{when} AFTER {when} ON user BEGIN SELECT load_extension('{library}'); "
        "DELETE FROM domain; END" for when in ("INSERT", "UPDATE", "DELETE")],
    "an index on code": lambda library: [
        "PRAGMA writable_schema = on",
        "CREATE INDEX hostile ON user(lower(login))",
        f"UPDATE sqlite_schema SET sql = 'CREATE INDEX hostile ON user(load_extension(''{library}''))' "
        "WHERE name = 'hostile'"],
    "a virtual table": lambda library: [
        "ALTER TABLE user RENAME TO kept", "CREATE VIRTUAL TABLE user USING fts5(address, login)"],
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_schema(served, extension, kind):
    """Whatever SQL stands in the database file: no code is loaded, and reading changes nothing."""
    library, mark = extension
    file = pathlib.Path(served.settings["database"]["file"])
    with sqlite3.connect(file) as database:
        for statement in HOSTILE[kind](library):
            database.execute(statement)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    before = file.read_bytes()
    served.spawn()
    deadline = time.monotonic() + PATIENCE
    while "ready: " not in served.log() and served.process.poll() is None:
        assert time.monotonic() < deadline, served.log()
        time.sleep(0.01)
    if served.process.poll() is None:
        assert served.get(CONFIG).status in (200, 500, 503)
        assert served.get("/nothing").status == 404
        served.stop()
    else:
        assert served.process.returncode == 1
        served.process = None
    assert file.read_bytes() == before
    assert not mark.exists()
    # The admin tool writes, and so meets the triggers.
    for command in (("user", "add", "x@example.org", "y"), ("user", "remove", "first.last@example.org"),
                    ("user", "list", "example.org"), ("preview", "outlook", "first.last@example.org")):
        assert served.ctl(*command, check=False).returncode in (0, 1)
    assert not mark.exists()


def change_by_hand(served, *statements):
    with sqlite3.connect(served.settings["database"]["file"]) as database:
        for statement in statements:
            database.execute(statement)
    database.close()


def test_a_view_calls_nothing_unsafe(served):
    """The schema is not trusted: what a view may call is bounded, beyond what loads code."""
    change_by_hand(served, *as_view("user", "(SELECT count(*) FROM pragma_table_info('domain')) > 0"))
    shown = served.ctl("preview", "outlook", "first.last@example.org", check=False)
    assert shown.returncode == 1 and "a4711" not in shown.stdout
    assert 'unsafe use of virtual table "pragma_table_info"' in shown.stderr


def test_a_trigger_does_not_reach_into_an_index(served):
    """The tables behind a virtual one can be filled so that its code reads beyond its memory."""
    change_by_hand(served, "CREATE VIRTUAL TABLE words USING fts5(word)",
                   "CREATE TRIGGER hostile AFTER INSERT ON user BEGIN "
                   "INSERT INTO words_data VALUES (4711, x'ffff'); END")
    refused = served.ctl("user", "add", "x@example.org", "y", check=False)
    assert refused.returncode == 1 and "table words_data may not be modified" in refused.stderr


def test_the_mark_can_be_left(extension):
    """The extension works, or the test above could not fail."""
    library, mark = extension
    database = sqlite3.connect(":memory:")
    if not hasattr(database, "enable_load_extension"):
        pytest.skip("this Python's sqlite3 cannot load extensions")
    database.enable_load_extension(True)
    database.execute("SELECT load_extension(?)", (str(library),))
    assert mark.exists()


def laughs(levels, width):
    entities = "".join(
        f'<!ENTITY l{level} "{(f"&l{level - 1};" if level else "ha") * width}">' for level in range(levels))
    return f"<!DOCTYPE x [{entities}]>", f"&l{levels - 1};"


def autodiscover(doctype, address):
    return (f'<?xml version="1.0"?>{doctype}<Autodiscover><Request><EMailAddress>{address}@example.org</EMailAddress>'
            "</Request></Autodiscover>")


def peak_memory(process):
    return int(re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{process.pid}/status").read_text()).group(1))


def allowed(mebibytes):
    """In KiB. AddressSanitizer keeps up to 256 MiB that were freed; what must not happen takes more."""
    return (512 if os.environ.get("MAILCONFD_MODE") == "sanitize" else mebibytes) * 1024


def test_attributes_are_counted(served):
    """64 of them are none too many, whatever they are; more are an error, in one element or in several."""
    served.start()
    with_attributes = lambda count: autodiscover("", "a").replace(
        "<Request>", "<Request" + "".join(f" a{i}=''" for i in range(count)) + ">")
    assert served.post(with_attributes(63)).status == 200  # and the version of XML
    assert b"imap.example.org" in served.post(with_attributes(63)).body
    for body in (with_attributes(64), with_attributes(800), autodiscover("", "a" + "<b c=''/>" * 70)):
        assert b"imap.example.org" not in served.post(body).body
    served.stop()
    assert served.log().count("outcome=bad-request") == 3


def test_entities_are_not_expanded(served):
    """Billion laughs, quadratic blow-up, deep and wide documents: an error each, and no memory."""
    served.start()
    assert served.post(autodiscover("", "a")).status == 200
    before = peak_memory(served.process)
    bodies = [
        autodiscover(*laughs(10, 10)),
        autodiscover(*laughs(40, 2)),
        autodiscover(f'<!DOCTYPE x [<!ENTITY a "{"a" * 3000}">]>', "&a;" * 1200),
        autodiscover('<!DOCTYPE x [<!ENTITY % p "<!ENTITY a \'b\'>"> %p;]>', "&a;"),
        autodiscover("<!DOCTYPE x [<!ENTITY a '&a;'>]>", "&a;"),
        "<a>" * 2700,
        "<a " + " ".join(f'b{n}="c"' for n in range(800)) + "/>",
    ]
    for body in bodies:
        assert len(body) <= 8192
        for _ in range(20):
            answer = served.post(body)
            assert answer.status == 200 and b"<ErrorCode>600</ErrorCode>" in answer.body
    grown = peak_memory(served.process) - before
    print(f"its memory grew by {grown} KiB")
    assert grown < allowed(64)


def test_nothing_external_is_loaded(served, tmp_path):
    """Neither over the network nor from a file, whichever part of a DTD names it."""
    secret = tmp_path / "secret"
    secret.write_text("canary")
    served.start()
    with socket.socket() as peer:
        peer.bind(("127.0.0.1", 0))
        peer.listen()
        urls = (f"http://127.0.0.1:{peer.getsockname()[1]}/x", f"ftp://127.0.0.1:{peer.getsockname()[1]}/x",
                f"file://{secret}", str(secret))
        for url in urls:
            for doctype in (f'<!DOCTYPE x SYSTEM "{url}">', f'<!DOCTYPE x PUBLIC "p" "{url}">',
                            f'<!DOCTYPE x [<!ENTITY a SYSTEM "{url}">]>',
                            f'<!DOCTYPE x [<!ENTITY % p SYSTEM "{url}"> %p;]>'):
                for address in ("a", "&a;"):
                    answer = served.post(autodiscover(doctype, address))
                    assert b"<ErrorCode>600</ErrorCode>" in answer.body and b"canary" not in answer.body
            include = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{url}" parse="text"/>'
            assert b"canary" not in served.post(autodiscover("", include)).body
        peer.setblocking(False)
        with pytest.raises(BlockingIOError):
            peer.accept()


@pytest.mark.parametrize("begun", [b"POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n<a>",
                                   b"GET /mail/config-v1.1.xml HTTP/1.1\r\nHo", b""])
def test_a_client_that_never_finishes_cannot_hold_the_daemon(served, begun):
    """Its own time would be an hour; the test's patience is a minute."""
    served.settings["limits"].update({"idle-timeout": "3600s", "handshake-timeout": "300s"})
    served.start()
    connection = served.connect()
    connection.send(begun)
    served.get(CONFIG)
    served.process.terminate()
    assert PATIENCE < 300
    assert served.wait() == 0
    assert "stopped" in served.log()
    connection.close()


@pytest.fixture
def watched(served):
    served.settings["metrics"] = {"listen": f"127.0.0.1:{free_port()}"}
    served.start()
    served.get(CONFIG)
    return served


def failures(watched, reason):
    page = urllib.request.urlopen(f"http://{watched.settings['metrics']['listen']}/metrics").read().decode()
    found = re.search(rf'mailconfd_tls_handshakes_failed_total{{reason="{reason}"}} (\d+)', page)
    return int(found.group(1)) if found else 0


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def in_parallel(count, function):
    threads = [threading.Thread(target=function) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_client_hellos_are_bounded(watched):
    """Sixty clients each announce a ClientHello of 16 MiB and send 2 MiB of it."""
    before, hello = peak_memory(watched.process), tls_records.unfinished_hello((1 << 24) - 1, 2 << 20)

    def attack():
        connection = tls_records.connect(watched.port)
        tls_records.send(connection, hello)
        assert tls_records.is_closed(connection)
        connection.close()

    in_parallel(60, attack)
    wait_until(lambda: failures(watched, "too-large") == 60)
    grown = peak_memory(watched.process) - before
    print(f"its memory grew by {grown} KiB")
    assert grown < allowed(8)
    assert watched.get(CONFIG).status == 200


@pytest.mark.parametrize("size, is_allowed", [(16384 - 5, True), (16384 - 4, False)])
def test_the_bound_of_a_client_hello(watched, size, is_allowed):
    """To the byte, with the header of its record."""
    connection = tls_records.connect(watched.port)
    tls_records.send(connection, tls_records.unfinished_hello(100000, size))
    if is_allowed:
        connection.shutdown(socket.SHUT_WR)
    assert tls_records.is_closed(connection)
    wait_until(lambda: failures(watched, "closed" if is_allowed else "too-large") == 1)
    connection.close()


def session(daemon, directory):
    return tls_records.Session(daemon.port, "autoconfig.example.org", daemon.authority.file, directory)


def test_messages_after_the_handshake_are_bounded(watched, tmp_path):
    """A KeyUpdate of 16 MiB: as much of it is held as one record may have. What comes faster than it is read stays in
    the kernel."""
    before, clients = peak_memory(watched.process), []
    for size in (16000, 1000):
        for _ in range(20):
            client = session(watched, tmp_path)
            client.socket.setblocking(False)
            body = tls_records.message(tls_records.KEY_UPDATE, (1 << 24) - 1, bytes(size - 4))
            for _ in range(1000):
                if not client.send(client.seal(tls_records.HANDSHAKE, body)):
                    break
                body = bytes(size)
            clients.append(client)
    assert watched.get(CONFIG).status == 200
    for client in clients:
        client.close()
    grown = peak_memory(watched.process) - before
    print(f"its memory grew by {grown} KiB")
    assert grown < allowed(8)


@pytest.mark.parametrize("sizes", [[16384, 16384], [16384, 2032], [4096] * 5, [1024] * 8 + [16384],
                                   [1024] * 2 + [16384]])
def test_the_bound_of_messages_after_the_handshake(watched, tmp_path, sizes):
    """The connection is closed at the record that would be too much, the last one here."""
    client = session(watched, tmp_path)
    contents = [bytes(size) for size in sizes]
    contents[0] = tls_records.message(tls_records.KEY_UPDATE, (1 << 24) - 1, contents[0][4:])
    is_open = []
    for content in contents:
        client.send(client.seal(tls_records.HANDSHAKE, content))
        is_open.append(client.wait_until_read())
    assert is_open == [True] * (len(sizes) - 1) + [False]
    client.close()


def test_requests_in_any_records_are_no_such_messages(watched, tmp_path):
    """Many requests on one connection, in records of one byte and in full ones, and in both: a head of almost 8 KiB
    byte by byte, then the body and, once, the last byte of the head in one record."""
    client = session(watched, tmp_path)
    head = b"POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: autodiscover.example.org\r\n"
    small = head + b"X: " + b"a" * 2000 + b"\r\nContent-Length: 8\r\n\r\n<a></a> "
    large = head + b"Content-Length: 65536\r\n\r\n" + bytes(65536)
    longest = head + b"X: " + b"a" * 6500 + b"\r\nContent-Length: 8192\r\n\r\n"
    split = len(longest) - 1
    longest += b"<a></a>".ljust(8192)
    usual = (small, 0, 1), (small, 0, 700), (large, 0, 16384), (large, 0, 5000), (small, 0, 16384)
    for request, first, size in usual * 3 + ((longest, split, 16384), (longest, split + 1, 16384)):
        parts = [request[at:at + 1] for at in range(first)] + [
            request[at:at + size] for at in range(first, len(request), size)]
        assert client.send(*(client.seal(tls_records.DATA, part) for part in parts)) and client.receive()
        if request is large:  # closed, for its body is too large
            client.close()
            client = session(watched, tmp_path)
    watched.wait_for_log("outcome=bad-request", 11)
    watched.wait_for_log("outcome=too-large", 6)
    client.close()
    watched.stop()
    assert watched.log().count("outcome=bad-request") == 11 and watched.log().count("outcome=too-large") == 6


def test_a_request_behind_a_key_update_is_answered_at_once(watched, tmp_path):
    """Also if both come in one segment, so that the socket has no more to read when GnuTLS has read the message."""
    watched.settings["limits"]["idle-timeout"] = "3600s"
    watched.stop()
    watched.start()
    client = session(watched, tmp_path)
    request = b"GET " + CONFIG.encode() + b" HTTP/1.1\r\nHost: autoconfig.example.org\r\n\r\n"
    before = watched.log().count("outcome=settings")
    for answered, count in enumerate((1, 1, 3), 1):
        updates = [client.key_update() for _ in range(count)]
        assert client.send(*updates, client.seal(tls_records.DATA, request))
        watched.wait_for_log("outcome=settings", before + answered)
    client.close()


def hello_extension(number, content):
    return number.to_bytes(2, "big") + vector(content)


def vector(content, width=2):
    return len(content).to_bytes(width, "big") + content


def client_hello(name, more):
    """As Chromium sends it: a post-quantum key share (which is not chosen) beside one of X25519."""
    shares = b"\x11\xec" + vector(os.urandom(1216)) + b"\0\x1d" + vector(os.urandom(32))
    extensions = b"".join((
        hello_extension(0, vector(b"\0" + vector(name.encode()))),
        hello_extension(10, vector(b"\x11\xec\0\x1d\0\x17\0\x18")),
        hello_extension(13, vector(b"\4\3\x08\4\4\1\5\3\x08\5\5\1\x08\6\6\1")),
        hello_extension(16, vector(vector(b"h2", 1) + vector(b"http/1.1", 1))),
        hello_extension(43, vector(b"\3\4\3\3", 1)),
        hello_extension(51, vector(shares)),
        hello_extension(65037, os.urandom(218)),
        more))
    hello = b"\3\3" + os.urandom(32) + vector(os.urandom(32), 1) + vector(b"\x13\1\x13\2\xc0\x2b") + b"\1\0"
    return tls_records.message(tls_records.CLIENT_HELLO, len(hello) + 2 + len(extensions), hello + vector(extensions))


@pytest.mark.parametrize("padding, pieces", [(0, 1), (0, 5), (12000, 1)])
def test_large_client_hellos_are_answered(watched, padding, pieces):
    hello = client_hello("autoconfig.example.org", hello_extension(21, bytes(padding)))
    assert len(hello) > 1600
    size = -(-len(hello) // pieces)
    connection = tls_records.connect(watched.port)
    for at in range(0, len(hello), size):
        connection.sendall(tls_records.record(hello[at:at + size]))
    answer = connection.recv(6, socket.MSG_WAITALL)
    assert answer[0] == tls_records.HANDSHAKE and answer[5] == 2, "a ServerHello"
    connection.close()


@pytest.mark.parametrize("options", [
    ["-groups", "P-521:X448:ffdhe2048:P-384:P-256:X25519", "-alpn", ",".join(f"protocol-{n}" for n in range(200))],
    ["-tls1_2", "-curves", "P-521:X448:P-384:P-256", "-max_send_frag", "512"],
    ["-tls1_3", "-max_send_frag", "512", "-alpn", "h2,http/1.1"],
])
def test_real_clients_pass(watched, tmp_path, options):
    """With a second ClientHello, with many records, and twice, with the ticket of the first time."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{watched.port}", "-servername", "autoconfig.example.org",
               "-CAfile", str(watched.authority.file), "-verify_return_error", "-ign_eof", *options]
    request = b"GET /nothing HTTP/1.1\r\nHost: autoconfig.example.org\r\nConnection: close\r\n\r\n"
    for ticket in (["-sess_out", tmp_path / "session"], ["-sess_in", tmp_path / "session"]):
        done = subprocess.run([*command, *ticket], input=request, capture_output=True, check=False, timeout=PATIENCE)
        assert done.returncode == 0 and b"404" in done.stdout, done.stdout + done.stderr
    assert b"Reused" in done.stdout
