#!/usr/bin/python3
"""What it costs to find a user among ten, and among ten million."""
import argparse
import os
import random
import shutil
import sqlite3
import sys
import time

import bench

PER_DOMAIN = 1000
SERVICES = ("imaps://imap.example.org", "submissions://smtp.example.org")
ENOUGH_BYTES = 2 << 30
ROUNDS, LOOKUPS = 15, 5000
REQUESTS = 5000


def domain(number):
    return f"d{number // PER_DOMAIN:05}.example"


def address(number):
    return f"first.last{number:08}@{domain(number)}"


def login(number):
    return f"a{number:08}"


def fill(daemon, users):
    """Rows as address() and login() give them, in the order of the key."""
    daemon.ctl("domain", "add", domain(0), *SERVICES)
    path = daemon.settings["database"]["file"]
    begun = time.monotonic()
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = OFF")
    database.execute("PRAGMA synchronous = OFF")
    database.execute("BEGIN")
    database.execute(
        "WITH RECURSIVE numbers (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM numbers LIMIT ?) "
        "INSERT INTO domain (name, provider, is_enabled) SELECT printf('d%05d.example', i), "
        "(SELECT id FROM provider), 1 FROM numbers WHERE i < ?",
        (max(1, users // PER_DOMAIN), users // PER_DOMAIN),
    )
    database.execute(
        "WITH RECURSIVE numbers (i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM numbers LIMIT ?) "
        "INSERT INTO user (domain, local, login) SELECT printf('d%05d.example', i / ?), "
        "printf('first.last%08d', i), printf('a%08d', i) FROM numbers",
        (users, PER_DOMAIN),
    )
    database.execute("COMMIT")
    database.execute("PRAGMA journal_mode = WAL")
    database.close()
    bench.note(f"{users} users: filled in {time.monotonic() - begun:.1f} s, "
               f"{os.path.getsize(path) / 2**20:.0f} MiB")


def write_addresses(path, users):
    """For each lookup one, with its login."""
    with open(path, "w", encoding="ascii") as out:
        for _ in range((ROUNDS + 1) * LOOKUPS):
            number = random.randrange(users)
            out.write(f"{address(number)} {login(number)}\n")


def forget_pages(path):
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


class Side:
    def __init__(self, directory, authority, users):
        self.users = users
        self.authority = authority
        self.daemon = bench.Server(directory / f"{users}", authority)
        self.daemon.settings["server"]["public-name"] = "autoconfig.d00000.example"
        self.database = self.daemon.settings["database"]["file"]
        self.addresses = self.daemon.directory / "addresses"
        fill(self.daemon, users)
        write_addresses(self.addresses, users)

    def serve(self):
        """A row of the table: the daemon's memory before and after requests, and their cost."""
        path = self.daemon.directory / "requests"
        host = "autodiscover.d00000.example"
        numbers = [random.randrange(self.users) for _ in range(REQUESTS)]
        bench.write_requests(path, [bench.outlook(address(n), host) for n in numbers])
        try:
            self.daemon.start()
            pid = self.daemon.process.pid
            before = bench.resident_kilobytes(pid)
            costs = [
                bench.load("keep", REQUESTS, self.daemon.port, host, self.authority, path, [pid])
                ["server_micros"] for _ in range(5)
            ]
            after = bench.resident_kilobytes(pid)
        finally:
            self.daemon.stop()
        return [f"{self.users} users", f"{before / 1024:.1f}", f"{after / 1024:.1f}",
                bench.low_and_middle(costs)]


def measure(users):
    with bench.directory() as directory:
        free = shutil.disk_usage(directory).free
        if users * 60 > 1 << 20 and free < ENOUGH_BYTES:
            bench.note(f"skipped: {directory.parent} has {free >> 20} MiB free, "
                       f"{ENOUGH_BYTES >> 20} are needed; set TMPDIR to where there is more")
            return
        authority = bench.Authority(directory)
        small, large = (Side(directory, authority, count) for count in (10, users))
        forget_pages(small.database)
        forget_pages(large.database)
        program = bench.BUILD / "tests" / "bench" / "bench-lookup"
        bench.run(program, ROUNDS, LOOKUPS, small.database, small.addresses, large.database,
                  large.addresses)
        rows = [small.serve(), large.serve()]
        bench.note(f"daemon, one thread, {5 * REQUESTS} requests of Outlook on 4 connections; "
                   "memory in MiB, cost in us CPU per request, min / median of 5 runs:")
        bench.print_table([["", "resident before", "after", "cost"], *rows])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=10_000_000, help="of the large database")
    options = parser.parse_args()
    random.seed(1)
    measure(options.users)


if __name__ == "__main__":
    sys.exit(main())
