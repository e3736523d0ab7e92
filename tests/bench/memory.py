#!/usr/bin/python3
"""How much memory clients make the daemon hold: with TLS messages and requests that never end."""
import argparse
import resource
import sys
import threading
import time

import bench
import tls_records

DOMAIN = "d00000.example"
HOST = f"autoconfig.{DOMAIN}"
MIB = 1 << 20


class Target:
    def __init__(self, directory, server):
        self.directory, self.server = directory, server

    def connect(self):
        return tls_records.connect(self.server.port)

    def session(self):
        return tls_records.Session(self.server.port, HOST, self.server.authority.file, self.directory)


def hellos_of_16_mib(target, count):
    held, hello = [], tls_records.unfinished_hello(16 * MIB - 1, 10 * MIB)

    def send():
        held.append(target.connect())
        tls_records.send(held[-1], hello)

    threads = [threading.Thread(target=send) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return held


def hellos(target, count, announced, size):
    held, hello = [], tls_records.unfinished_hello(announced, size)
    for _ in range(count):
        held.append(target.connect())
        tls_records.send(held[-1], hello)
    return held


def messages(target, count, pieces, size):
    """KeyUpdates of 16 MiB after the handshake, as much of them as is taken."""
    held = []
    for _ in range(count):
        held.append(target.session())
        content = tls_records.message(tls_records.KEY_UPDATE, 16 * MIB - 1, bytes(pieces * size))
        for at in range(0, pieces * size, size):
            if not held[-1].send(held[-1].seal(tls_records.HANDSHAKE, content[at:at + size])):
                break
    return held


def bodies(target, count):
    """Half a body, and most of a record with the rest of it."""
    head = f"POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 8192\r\n\r\n".encode()
    held = []
    for _ in range(count):
        held.append(target.session())
        held[-1].send(held[-1].seal(tls_records.DATA, head + bytes(4096)),
                      held[-1].seal(tls_records.DATA, bytes(16000))[:15000])
    return held


def bodies_and_messages(target, count):
    """Half a body, then three bytes of a KeyUpdate and most of a record with the rest. The daemon reads one record at
    a time."""
    head = f"POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 8192\r\n\r\n".encode()
    held = []
    for _ in range(count):
        session = target.session()
        session.send(session.seal(tls_records.DATA, head + bytes(4096)))
        for byte in tls_records.message(tls_records.KEY_UPDATE, 16 * MIB - 1)[:3]:
            assert session.wait_until_read()
            session.send(session.seal(tls_records.HANDSHAKE, bytes([byte])))
        assert session.wait_until_read()
        session.send(session.seal(tls_records.HANDSHAKE, bytes(16000))[:15000])
        held.append(session)
    return held


ATTACKS = (
    ("60 ClientHellos of 16 MiB, 10 MiB sent", lambda target: hellos_of_16_mib(target, 60)),
    ("1,500 ClientHellos of 127 KiB, 126 KiB sent", lambda target: hellos(target, 1500, 130000, 126 * 1024)),
    ("1,500 ClientHellos of 15.9 KB, 15.8 KB sent", lambda target: hellos(target, 1500, 15900, 15800)),
    ("100 KeyUpdates of 16 MiB, 1 MiB sent", lambda target: messages(target, 100, 64, 16000)),
    ("400 KeyUpdates of 16 MiB, one record sent", lambda target: messages(target, 400, 1, 16000)),
    ("400 KeyUpdates, three bytes in three records", lambda target: messages(target, 400, 3, 1)),
    ("400 POST with half a body and half a record", lambda target: bodies(target, 400)),
    ("100 POST, half a body, half a KeyUpdate", lambda target: bodies_and_messages(target, 100)),
    ("400 idle sessions", lambda target: [target.session() for _ in range(400)]),
)


def settled(pid):
    """The resident memory once it has not changed for a while."""
    before = -1
    while (now := bench.resident_kilobytes(pid)) != before:
        before = now
        time.sleep(0.5)
    return now


def measure(title, attack):
    with bench.directory() as directory:
        server = bench.Server(directory / "server", bench.Authority(directory))
        server.ctl("domain", "add", DOMAIN, f"imaps://imap.{DOMAIN}")
        server.settings["limits"] = {"idle-timeout": "300s", "handshake-timeout": "300s"}
        server.start()
        target = Target(directory, server)
        try:
            target.session().close()
            before = settled(server.process.pid)
            held = attack(target)
            after = settled(server.process.pid)
            for connection in held:
                connection.close()
        finally:
            server.stop()
    return [title, f"{before / 1024:.0f}", f"{after / 1024:.0f}", f"{(after - before) / len(held):.1f}"]


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    bench.note("resident MiB before and after, and KiB per connection")
    bench.print_table([measure(title, attack) for title, attack in ATTACKS])


if __name__ == "__main__":
    sys.exit(main())
