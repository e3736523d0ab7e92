"""A daemon in use: changes, reloads, a locked database, and the end."""
import json
import os
import re
import signal
import socket
import sqlite3
import ssl
import threading
import time

import pytest

from daemon import NAMES, PATIENCE

pytestmark = pytest.mark.sanitize

CONFIG = "/mail/config-v1.1.xml"
ADDRESS = CONFIG + "?emailaddress=first.last%40example.org"
V2 = "/autodiscover/autodiscover.json?Email=first.last@example.org&Protocol=AutodiscoverV1"
SCHEMAS = "http://schemas.microsoft.com/exchange/autodiscover/outlook"
OUTLOOK = (
    f'<Autodiscover xmlns="{SCHEMAS}/requestschema/2006"><Request>'
    "<EMailAddress>first.last@example.org</EMailAddress>"
    f"<AcceptableResponseSchema>{SCHEMAS}/responseschema/2006a</AcceptableResponseSchema>"
    "</Request></Autodiscover>"
)


@pytest.fixture
def served(daemon):
    daemon.setup(
        ["domain", "add", "example.org", "imaps://imap.example.org", "submissions://smtp.example.org"]
    )
    return daemon


def test_changes_are_seen_without_reload(served):
    served.start()
    connection = served.connect()
    ask = lambda: connection.ask(f"GET {ADDRESS} HTTP/1.1\r\nHost: autoconfig.example.org\r\n\r\n".encode())
    assert b"<username>%EMAILADDRESS%</username>" in ask().body
    for login in ("a4711", "b4712"):
        served.ctl("user", "set" if login == "b4712" else "add", "first.last@example.org",
                   *(["--login", login] if login == "b4712" else [login]))
        time.sleep(0.1)
        assert f"<username>{login}</username>".encode() in ask().body
    served.ctl("domain", "disable", "example.org")
    time.sleep(0.1)
    assert ask().status == 404
    connection.close()


def names_of(connection):
    return {value for kind, value in connection.socket.getpeercert()["subjectAltName"]}


def test_reload_serves_the_renewed_certificate(served):
    served.add_certificate("renewed", "new.example.org")
    served.start()
    before = served.connect("new.example.org").socket.getpeercert()["serialNumber"]
    served.add_certificate("renewed", "new.example.org", options=("--days", "30"))
    served.reload()
    assert served.connect("new.example.org").socket.getpeercert()["serialNumber"] != before


def test_reload_does_not_touch_a_handshake(served):
    """A client that began before a reload ends with the certificate of its beginning."""
    served.start()
    before = served.connect().socket.getpeercert()["serialNumber"]
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = served.context().wrap_bio(incoming, outgoing, server_hostname="autoconfig.example.org")
    with pytest.raises(ssl.SSLWantReadError):
        session.do_handshake()
    hello = outgoing.read()
    connection = socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE)
    connection.sendall(hello[:100])
    time.sleep(0.3)
    served.add_certificate("main", *NAMES, options=("--days", "31"))
    served.reload()
    connection.sendall(hello[100:])
    while True:
        incoming.write(connection.recv(65536))
        try:
            session.do_handshake()
            break
        except ssl.SSLWantReadError:
            continue
    connection.close()
    assert session.getpeercert()["serialNumber"] == before
    assert served.connect().socket.getpeercert()["serialNumber"] != before


def test_a_fifo_among_the_certificates_does_not_hang(served):
    served.start()
    os.mkfifo(served.directory / "certificates" / "pipe.pem")
    served.reload()
    assert "it is not a file" in served.log()
    assert served.get(CONFIG).status == 200


@pytest.mark.parametrize("level, shows", [("error", False), ("warning", False), ("info", True), ("debug", True)])
def test_log_level(served, level, shows):
    served.settings["log"].update({"level": level, "slow": "0"})
    served.spawn()
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            assert served.get(CONFIG).status == 200
            break
        except ConnectionRefusedError:
            time.sleep(0.05)
    served.stop()
    assert ("outcome=settings" in served.log()) == shows
    assert ("stopped" in served.log()) == shows


@pytest.mark.parametrize("form, rest, without", [("text", "", time.strftime("%Y-")), ("json", "{", "{")])
def test_journal_priorities(served, monkeypatch, form, rest, without):
    """Lines have them where standard error is the stream that JOURNAL_STREAM names, else text has the time."""
    served.settings["log"].update({"format": form, "slow": "0"})
    served.write_settings()
    served.log_file.touch()
    status = served.log_file.stat()
    for stream, begins in (f"{status.st_dev}:{status.st_ino}", f"<6>{rest}"), ("8:1", without):
        monkeypatch.setenv("JOURNAL_STREAM", stream)
        served.log_file.write_text("")
        served.start()
        served.get(CONFIG)
        served.stop()
        # It warns if it is root's. valgrind does not know the system calls of Landlock.
        expected = f'{begins}|<4>({{.*"message":")?(running as root|the sandbox is incomplete)|--'
        assert all(re.match(expected, line) for line in served.log().splitlines())


def test_what_fails_to_load_keeps_the_old(served):
    templates = served.directory / "templates"
    templates.mkdir()
    served.settings["templates"]["directory"] = templates
    served.start()
    (served.directory / "certificates" / "main.pem").write_text("nonsense")
    (templates / "autoconfig.xml").write_text("<a>{{nonsense}}</a>")
    with open(served.config, "a", encoding="utf-8") as out:
        out.write("nonsense\n")
    served.reload()
    log = served.log()
    assert "the old settings stay in force" in log
    assert "main.pem' is not a PEM file" in log and "the one that was loaded before stays in use" in log
    assert log.count("the one that was loaded before stays in use") == 2 and "autoconfig.xml" in log
    assert b"imap.example.org" in served.get(CONFIG).body


def test_reload_names_what_needs_a_restart(served):
    served.start()
    served.settings["server"]["threads"] = "3"
    served.settings["log"]["addresses"] = "full"
    served.write_settings()
    served.reload()
    assert "[server] threads has changed: only a restart applies it" in served.log()
    served.get(ADDRESS)
    served.wait_for_log('address="first.last@example.org"')


@pytest.mark.parametrize("addresses", ["none", "domain", "full"])
def test_addresses_in_the_log(served, addresses):
    served.settings["log"]["addresses"] = addresses
    served.start()
    served.get(ADDRESS)
    served.wait_for_log("outcome=settings")
    log = served.log()
    assert ("first.last" in log) == (addresses == "full")
    assert ('domain="example.org"' in log) == (addresses == "domain")
    assert "emailaddress=" not in log


def test_reload_under_load(served):
    """Certificates, templates and rows change while clients ask: no request fails."""
    served.settings["server"]["threads"] = "4"
    served.start()
    failures, asked, must_stop = [], [0], threading.Event()

    def client(keeps):
        connection = None
        while not must_stop.is_set():
            try:
                connection = connection or served.connect()
                answer = connection.ask(f"GET {ADDRESS} HTTP/1.1\r\nHost: autoconfig.example.org\r\n\r\n".encode())
                assert answer.status == 200
                asked[0] += 1
                if not keeps:
                    connection.close()
                    connection = None
            except Exception as failure:
                failures.append(failure)
                return

    clients = [threading.Thread(target=client, args=(i % 2 == 0,)) for i in range(4)]
    for thread in clients:
        thread.start()
    for i in range(8):
        served.add_certificate("main", *NAMES, options=("--days", str(20 + i)))
        served.ctl("user", "add", f"user{i}@example.org", f"login{i}")
        served.reload()
    must_stop.set()
    for thread in clients:
        thread.join(PATIENCE)
    assert not failures
    assert asked[0] > 20
    assert "error" not in served.log()


@pytest.fixture
def lockable(served):
    """A database in rollback mode, as a restored copy may be: there a writer locks readers out."""
    database = sqlite3.connect(served.settings["database"]["file"], isolation_level=None)
    assert database.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
    served.start()
    yield served, database
    database.close()


def in_background(function):
    results = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    return lambda: (thread.join(PATIENCE), results[0])[1]


def is_json_error(answer, status, code):
    body = json.loads(answer.body)
    return (answer.status, answer.headers["content-type"], body.keys(), body["ErrorCode"]) == \
        (status, "application/json", {"ErrorCode", "ErrorMessage"}, code)


def test_locked_database_is_waited_for(lockable):
    served, database = lockable
    served.get(CONFIG)
    database.execute("BEGIN EXCLUSIVE")
    waiting = [in_background(lambda: served.get(ADDRESS)) for _ in range(6)]
    time.sleep(0.2)
    assert served.get("/").status == 404, "other requests are answered meanwhile"
    database.execute("COMMIT")
    assert [result().status for result in waiting] == [200] * 6


def test_locked_database_ends_the_patience(lockable):
    served, database = lockable
    database.execute("BEGIN EXCLUSIVE")
    begun = time.monotonic()
    autoconfig, outlook, v2 = (in_background(ask) for ask in (
        lambda: served.get(ADDRESS), lambda: served.post(OUTLOOK), lambda: served.get(V2)))
    assert autoconfig().status == 503
    assert b"<ErrorCode>603</ErrorCode>" in outlook().body
    assert is_json_error(v2(), 503, "ServerBusy")
    assert 1.5 < time.monotonic() - begun < 12
    assert "in use by another process" in served.log()
    database.execute("COMMIT")
    assert served.get(ADDRESS).status == 200


def test_client_that_leaves_while_it_waits(lockable):
    served, database = lockable
    database.execute("BEGIN EXCLUSIVE")
    for _ in range(10):
        connection = served.connect()
        connection.send(f"GET {ADDRESS} HTTP/1.1\r\nHost: autoconfig.example.org\r\n\r\n".encode())
        connection.close()
    time.sleep(0.2)
    database.execute("COMMIT")
    assert served.get(ADDRESS).status == 200


def test_broken_row(served):
    with sqlite3.connect(served.settings["database"]["file"]) as database:
        database.execute("UPDATE service SET url = 'nonsense://x' WHERE position = 0")
    served.start()
    assert b"<ErrorCode>602</ErrorCode>" in served.post(OUTLOOK).body
    assert served.get(ADDRESS).status == 500
    assert is_json_error(served.get(V2), 500, "InternalServerError")
    assert "nonsense" in served.log()


def wait_until_refused(daemon):
    """Each worker stops to listen when it comes to it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", daemon.port)).close()
        except ConnectionError:
            return
        time.sleep(0.01)
    raise AssertionError("it still listens")


def test_stop_finishes_requests_under_way(served):
    served.start()
    body = OUTLOOK.encode()
    connection = served.connect("autodiscover.example.org")
    connection.send(
        b"POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: autodiscover.example.org\r\n"
        + f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body[:100]
    )
    time.sleep(0.2)
    served.process.terminate()
    served.wait_for_log("stopping")
    wait_until_refused(served)
    connection.send(body[100:])
    answer = connection.receive()
    assert answer.status == 200
    assert answer.headers["connection"].lower() == "close"
    assert served.wait() == 0


def test_domain_without_provider(served):
    """A change with sqlite3 can violate the constraints of the schema."""
    with sqlite3.connect(served.settings["database"]["file"]) as database:
        database.execute("PRAGMA ignore_check_constraints = on")
        database.execute("UPDATE domain SET provider = NULL")
    served.start()
    assert b"<ErrorCode>602</ErrorCode>" in served.post(OUTLOOK).body
    assert served.get("/mail/config-v1.1.xml?emailaddress=a%40example.org").status == 500
    assert "has a provider that is not there" in served.log()


def test_interrupt_ends_it_too(served):
    served.start()
    served.process.send_signal(signal.SIGINT)
    assert served.wait() == 0


def test_stop_with_waiting_handshakes(served):
    served.start()
    silent = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(5)]
    for connection in silent[1:]:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01")
    time.sleep(0.2)
    served.process.terminate()
    assert served.wait() == 0


def test_an_import_is_seen_all_at_once(served, tmp_path):
    """The daemon answers from the old table until all of the new one is there."""
    def table(login, count):
        path = tmp_path / login
        with open(path, "w", encoding="ascii") as out:
            out.write("address,login\n")
            out.writelines(f"{name}@example.org,{login}\n" for name in ("first.last", "zz.last"))
            out.writelines(f"user{i}@example.org,a{i}\n" for i in range(count))
        return str(path)

    def login(connection, local):
        target = f"{CONFIG}?emailaddress={local}%40example.org"
        answer = connection.ask(
            f"GET {target} HTTP/1.1\r\nHost: autoconfig.example.org\r\n\r\n".encode())
        assert answer.status == 200
        return answer.body.partition(b"<username>")[2].partition(b"<")[0].decode()

    served.ctl("user", "import", table("before", 0))
    served.start()
    path = table("after", 300000)
    results = []
    importing = threading.Thread(
        target=lambda: results.append(served.ctl("user", "import", path, check=False)))
    connection = served.connect()
    importing.start()
    seen = []
    while importing.is_alive():
        seen.append((login(connection, "first.last"), login(connection, "zz.last")))
    importing.join()
    assert (results[0].returncode, results[0].stderr) == (0, "")
    time.sleep(0.1)
    assert login(connection, "first.last") == login(connection, "zz.last") == "after"
    assert seen[0] == ("before", "before")
    # Both are asked one after the other, so that the commit can come in between, once.
    changes = [pair for i, pair in enumerate(seen) if i == 0 or pair != seen[i - 1]]
    assert len(changes) <= 3 and changes == sorted(changes, reverse=True)
    assert ("after", "before") not in seen
    connection.close()
