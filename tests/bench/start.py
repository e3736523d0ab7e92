#!/usr/bin/python3
"""How soon a daemon with many domains and certificates takes connections, and answers."""
import argparse
import socket
import sqlite3
import statistics
import sys
import time

import bench

SERVICES = ("imaps://imap.d00000.example", "submissions://smtp.d00000.example")


def fill(daemon, count):
    daemon.ctl("domain", "add", "d00000.example", *SERVICES)
    database = sqlite3.connect(daemon.settings["database"]["file"])
    with database:
        database.executemany(
            "INSERT INTO domain (name, provider, is_enabled) "
            "SELECT ?, provider, 1 FROM domain WHERE name = 'd00000.example'",
            ((f"d{i:05}.example",) for i in range(1, count)),
        )
    database.close()


def start_once(daemon, domain):
    """Milliseconds to the first connection and to the first answer, and kilobytes afterwards."""
    context = daemon.context()
    begun = time.monotonic()
    daemon.spawn()
    bench.wait_for_port(daemon.port)
    connected = time.monotonic()
    connection = daemon.connect(f"autoconfig.{domain}", context)
    # Python leaves Nagle's algorithm on, which here would wait for a delayed ACK of 40 ms.
    connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    answer = connection.ask(bench.autoconfig(f"user@{domain}"))
    answered = time.monotonic()
    connection.close()
    assert answer.status == 200, answer.raw
    assert domain.encode() in answer.body, answer.raw
    daemon.wait_for_log("ready: ")
    memory = bench.resident_kilobytes(daemon.process.pid)
    daemon.stop()
    return (connected - begun) * 1000, (answered - begun) * 1000, memory


def measure(count, rounds):
    with bench.directory() as directory:
        begun = time.monotonic()
        authority = bench.Authority(directory, count)
        daemon = bench.Server(directory / "daemon", authority, is_bound=False)
        daemon.settings["tls"]["certificates"] = f"{authority.served}/*.pem"
        daemon.settings["server"]["public-name"] = "autoconfig.d00000.example"
        fill(daemon, count)
        bench.note(f"made {count} certificates and domains in {time.monotonic() - begun:.1f} s")
        try:
            figures = [start_once(daemon, f"d{count - 1:05}.example") for _ in range(rounds)]
        finally:
            daemon.stop()
    connected, answered, memory = zip(*figures)
    return [
        f"{count} domains, {count} certificates",
        bench.low_and_middle(connected),
        bench.low_and_middle(answered),
        f"{statistics.median(memory) / 1024:.1f}",
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, nargs="*", default=[1, 1000],
                        help="numbers of domains and certificates (1 and 1000)")
    parser.add_argument("--rounds", type=int, default=11)
    options = parser.parse_args()
    rows = [measure(count, options.rounds) for count in options.count]
    bench.note(f"milliseconds from before exec, {options.rounds} rounds, min / median; "
               "memory in MiB, median")
    bench.print_table([["", "connected", "answered over TLS", "resident"], *rows])


if __name__ == "__main__":
    sys.exit(main())
