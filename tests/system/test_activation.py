"""Sockets that are handed over, as by systemd: used, shared, and left open for who comes next."""
import shutil
import socket
import subprocess
import threading
import time

import pytest

from daemon import PATIENCE, Connection, free_port
from test_life import ADDRESS, CONFIG, OUTLOOK

HOST = "autoconfig.example.org"
REQUEST = f"GET {ADDRESS} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()


@pytest.fixture
def listening():
    """A socket that listens, and stays open whatever the daemon does."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as sock:
        yield sock


@pytest.fixture
def activated(daemon, listening):
    """The daemon will be given that socket for HTTPS; its settings name another port."""
    daemon.setup(
        ["domain", "add", "example.org", "imaps://imap.example.org", "submissions://smtp.example.org"]
    )
    daemon.own_port, daemon.port = daemon.port, listening.getsockname()[1]
    daemon.sockets = [("https", listening)]
    return daemon


def test_handed_socket_is_used_instead(activated):
    activated.start()
    assert activated.get(CONFIG).status == 200
    assert f"listening on https://127.0.0.1:{activated.port}, handed over\n" in activated.log()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", activated.own_port))


def test_the_other_kind_is_bound(activated):
    http = free_port()
    activated.settings["server"]["listen-http"] = f"127.0.0.1:{http}"
    activated.start()
    assert Connection(http).ask(b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n").status == 404
    assert f"listening on http://127.0.0.1:{http}\n" in activated.log()


def test_both_kinds_are_handed(activated):
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as plain:
        activated.sockets.insert(0, ("http", plain))
        activated.start()
        assert f"listening on http://[::1]:{plain.getsockname()[1]}, handed over\n" in activated.log()
        assert activated.get(CONFIG).status == 200


def test_all_workers_serve_the_socket(activated):
    """With 112 descriptors each of two workers may have 8 connections."""
    activated.descriptors = 112
    activated.start()
    connections = [activated.connect() for _ in range(12)]
    assert [connection.ask(REQUEST).status for connection in connections] == [200] * 12


def test_what_was_not_meant_for_us_is_left(activated, monkeypatch):
    """A parent's variables, inherited by a daemon that was started by hand."""
    activated.sockets = []
    activated.port = activated.own_port
    for name, value in {"LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "https"}.items():
        monkeypatch.setenv(name, value)
    activated.start()
    assert activated.get(CONFIG).status == 200


def refusal(daemon):
    daemon.spawn()
    assert daemon.wait() == 1
    daemon.process = None
    lines = daemon.log().splitlines()
    assert len(lines) == 1
    return lines[0]


def test_socket_of_another_name(activated, listening):
    activated.sockets = [("mailconfd.socket", listening)]
    line = refusal(activated)
    assert "'mailconfd.socket'" in line and "FileDescriptorName=" in line


def test_what_is_no_listening_socket(activated):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        activated.sockets = [("https", datagrams)]
        assert "not a listening TCP socket" in refusal(activated)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        activated.sockets = [("https", silent)]
        activated.log_file.unlink()
        assert "not a listening TCP socket" in refusal(activated)


def test_socket_survives_the_daemon(activated):
    """libmicrohttpd must not shut down what it did not open."""
    activated.start()
    activated.stop()
    waiting = socket.create_connection(("127.0.0.1", activated.port), timeout=PATIENCE)
    activated.start()
    waiting = activated.context().wrap_socket(waiting, server_hostname=HOST)
    waiting.sendall(REQUEST)
    assert waiting.recv(65536).startswith(b"HTTP/1.1 200 ")
    waiting.close()


class Load:
    """Clients that ask without pause, half of them over connections that they keep."""

    def __init__(self, daemon, clients):
        self.daemon = daemon
        self.failures = []
        self.answers = 0
        self.must_stop = threading.Event()
        self.threads = [
            threading.Thread(target=self.run, args=(i % 2 == 0,)) for i in range(clients)
        ]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.must_stop.set()
        for thread in self.threads:
            thread.join(PATIENCE)

    def run(self, keeps):
        connection = None
        try:
            while not self.must_stop.is_set():
                connection = self.ask(connection, keeps)
        except Exception as failure:  # pylint: disable=broad-except
            self.failures.append(failure)

    def ask(self, connection, keeps):
        is_new = connection is None
        connection = connection or self.daemon.connect()
        try:
            answer = connection.ask(REQUEST)
        except ConnectionError:
            # A server may close a connection that is idle just as a request is sent; all clients
            # know that (RFC 9112 9.3.1). On a new connection it must not happen.
            if is_new or connection.buffer:
                raise
            return None
        assert answer.status == 200
        self.answers += 1
        if keeps and answer.headers.get("connection", "").lower() != "close":
            return connection
        connection.close()
        return None

    def wait_for_answers(self, count):
        deadline = time.monotonic() + PATIENCE
        wanted = self.answers + count
        while self.answers < wanted and not self.failures and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not self.failures, self.failures
        assert self.answers >= wanted


def test_restart_under_load(activated):
    """SIGTERM, the end, a new process on the same socket, as 'systemctl restart' does it."""
    activated.start()
    body = OUTLOOK.encode()
    with Load(activated, 6) as load:
        for i in range(4):
            load.wait_for_answers(20)
            slow = activated.connect("autodiscover.example.org")
            slow.send(
                b"POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: autodiscover.example.org\r\n"
                + f"Content-Length: {len(body)}\r\n\r\n".encode() + body[:100]
            )
            time.sleep(0.1)
            activated.process.terminate()
            activated.wait_for_log("stopping", i + 1)
            slow.send(body[100:])
            assert slow.receive().status == 200, "a request under way is finished"
            assert activated.wait() == 0
            activated.spawn()
            activated.wait_for_log("ready: ", i + 2)
        load.wait_for_answers(20)
    assert not load.failures
    assert "error" not in activated.log()


def test_systemd_hands_over_the_socket(activated, listening):
    """The real thing, without systemd as PID 1: the first client starts the daemon."""
    activate = shutil.which("systemd-socket-activate")
    if not activate:
        pytest.skip("systemd-socket-activate is not installed (Debian package systemd)")
    listening.close()
    activated.sockets = []
    activated.write_settings()
    with open(activated.log_file, "wb") as log:
        activated.process = subprocess.Popen(
            [activate, f"--listen=127.0.0.1:{activated.port}", "--fdname=https",
             *activated.command()],
            stderr=log, stdin=subprocess.DEVNULL,
        )
    activated.wait_for_log("Listening on")
    assert activated.get(CONFIG).status == 200
    activated.wait_for_log("handed over")
