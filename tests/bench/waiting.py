#!/usr/bin/python3
"""What clients cost that keep the server waiting in the middle of a handshake: those that are 50 ms
away, and those that send a ClientHello, or half of one, and fall silent. And how long a client waits
for its first answer that leaves Nagle's algorithm on, as most programs do."""
import argparse
import contextlib
import socket
import ssl
import statistics
import sys
import threading
import time

import bench

DOMAIN = "d00000.example"
HOST = f"autoconfig.{DOMAIN}"
SERVICES = (f"imaps://imap.{DOMAIN}", f"submissions://smtp.{DOMAIN}")
DELAY = 0.05
PER_SECOND = 20
SILENT = 50
FIRST_ANSWERS = 40


class Client:
    """A TLS client whose bytes go through our hands."""

    def __init__(self, daemon, context, has_nagle=False):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=HOST)
        self.socket = socket.create_connection(("127.0.0.1", daemon.port), timeout=20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, int(not has_nagle))

    def hello(self):
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
        return self.outgoing.read()

    def receive(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the server closed the connection")
        self.incoming.write(data)

    def shake_hands(self, delay):
        """Sends each message of ours only so long after the server's."""
        self.socket.sendall(self.hello())
        while True:
            self.receive()
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                continue
        time.sleep(delay)

    def ask(self, request):
        self.tls.write(request)
        self.socket.sendall(self.outgoing.read())
        while True:
            try:
                return self.tls.read(65536)
            except ssl.SSLWantReadError:
                self.receive()

    def close(self):
        self.socket.close()


def visit(daemon, context, answers):
    client = Client(daemon, context)
    try:
        client.shake_hands(DELAY)
        answers.append(client.ask(bench.autoconfig(f"user@{DOMAIN}")))
    finally:
        client.close()


def visit_slowly(daemon, context, seconds):
    answers, threads = [], []
    begun = time.monotonic()
    for i in range(int(seconds * PER_SECOND)):
        time.sleep(max(0.0, begun + i / PER_SECOND - time.monotonic()))
        threads.append(threading.Thread(target=visit, args=(daemon, context, answers)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    good = sum(answer.startswith(b"HTTP/1.1 200 ") for answer in answers)
    assert good == len(threads), f"{good} of {len(threads)} were answered"
    return good


def keep_silent(daemon, context, seconds, part):
    clients = [Client(daemon, context) for _ in range(SILENT)]
    for client in clients:
        hello = client.hello()
        client.socket.sendall(hello[: int(len(hello) * part)])
    time.sleep(seconds)
    for client in clients:
        client.close()
    return 0


def first_answer(daemon, context, has_nagle):
    """Milliseconds from the end of the handshake to the answer: the median of several."""
    waits = []
    for _ in range(FIRST_ANSWERS):
        client = Client(daemon, context, has_nagle)
        client.shake_hands(0)
        # The client's Finished and its request are two writes, as they are from most libraries.
        client.socket.sendall(client.outgoing.read())
        begun = time.monotonic()
        assert client.ask(bench.autoconfig(f"user@{DOMAIN}")).startswith(b"HTTP/1.1 200 ")
        waits.append((time.monotonic() - begun) * 1000)
        client.close()
    return f"{statistics.median(waits):.2f}"


def measure(daemon, title, act):
    """A row: the share of a processor that the daemon used while act() ran."""
    pid = daemon.process.pid
    time.sleep(0.2)
    begun, used = time.monotonic(), bench.processor_time(pid)
    answered = act()
    used = bench.processor_time(pid) - used
    share = used / (time.monotonic() - begun) / 1e9 * 100
    each = f"{used / 1000 / answered:.0f}" if answered else "-"
    return [title, f"{share:.2f}", each]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8, help="for each kind; at most 9")
    seconds = min(parser.parse_args().seconds, 9)
    with bench.directory() as directory:
        daemon = bench.Server(directory / "daemon", bench.Authority(directory))
        daemon.settings["server"]["public-name"] = HOST
        daemon.ctl("domain", "add", DOMAIN, *SERVICES)
        context = daemon.context()
        kinds = (
            ("nobody", lambda: time.sleep(seconds)),
            (f"{PER_SECOND} handshakes/s, answered after {DELAY * 1000:.0f} ms",
             lambda: visit_slowly(daemon, context, seconds)),
            (f"{SILENT} silent after a ClientHello",
             lambda: keep_silent(daemon, context, seconds, 1)),
            (f"{SILENT} silent after half a ClientHello",
             lambda: keep_silent(daemon, context, seconds, 0.5)),
        )
        try:
            daemon.start()
            rows = [measure(daemon, title, act) for title, act in kinds]
            waits = [[title, first_answer(daemon, context, has_nagle)]
                     for title, has_nagle in (("with Nagle", True), ("without", False))]
        finally:
            daemon.stop()
    bench.note(f"one thread, {seconds:g} s each")
    bench.print_table([["", "% of a core", "us CPU per request"], *rows])
    bench.print_table([["first answer of a client", "ms after its handshake"], *waits])


if __name__ == "__main__":
    sys.exit(main())
