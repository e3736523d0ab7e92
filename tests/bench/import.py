#!/usr/bin/python3
"""What 'user import' takes beside sqlite3's own .import into such a table: time, and memory."""
import argparse
import array
import os
import random
import shutil
import sqlite3
import sys
import time

import bench

PER_DOMAIN = 1000
SERVICES = ("imaps://imap.example.org", "submissions://smtp.example.org")
BYTES_PER_USER = 400  # of disk: files, sorted runs, two databases and a log

# What .import fills is our table without the columns that a CSV of three cannot fill: it leaves no
# NULL.
TABLE = """
PRAGMA journal_mode = WAL;
CREATE TABLE user (
    domain TEXT NOT NULL, local TEXT NOT NULL, login TEXT NOT NULL, PRIMARY KEY (domain, local)
) STRICT, WITHOUT ROWID;
"""


def write_files(directory, order, users, is_random):
    numbers = array.array("I", range(users))
    if is_random:
        random.shuffle(numbers)
    ours, theirs = directory / f"{order}.csv", directory / f"{order}.rows"
    with open(ours, "w", encoding="ascii") as left, open(theirs, "w", encoding="ascii") as right:
        left.write("address,login\n")
        for i in numbers:
            domain = f"d{i // PER_DOMAIN:05}.example"
            left.write(f"first.last{i:08}@{domain},a{i:08}\n")
            right.write(f"{domain},first.last{i:08},a{i:08}\n")
    return ours, theirs


def timed(command, environment=None):
    """Runs it. Returns seconds, seconds of processor time and peak MiB."""
    begun = time.monotonic()
    pid = os.posix_spawnp(command[0], [str(word) for word in command], environment or os.environ,
                          file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
    _, status, used = os.wait4(pid, 0)
    assert status == 0, (command, status)
    return (time.monotonic() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def fresh(path):
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def reference(directory, rows):
    path = directory / "reference.db"
    fresh(path)
    database = sqlite3.connect(path)
    database.executescript(TABLE)
    database.close()
    taken = timed([bench.find_program("sqlite3"), path, ".mode csv", f".import {rows} user"])
    fresh(path)
    return taken


class Live:
    """A daemon with its database open, into which is imported."""

    def __init__(self, directory, authority, users):
        self.users = users
        self.daemon = bench.Server(directory / "live", authority, is_bound=False)
        self.daemon.settings["server"]["public-name"] = "autoconfig.d00000.example"
        self.daemon.ctl("domain", "add", "d00000.example", *SERVICES)
        self.daemon.ctl("domain", "add", "*.example", "--alias-of", "d00000.example")
        self.path = self.daemon.settings["database"]["file"]
        self.program = bench.BUILD / "src" / "mailconfctl"

    def take(self, table, *options):
        return timed([self.program, "--config", self.daemon.config, "user", "import", table,
                      *options], {**os.environ, "TMPDIR": str(self.daemon.directory)})

    def execute(self, sql):
        database = sqlite3.connect(self.path)
        with database:
            answer = database.execute(sql).fetchone()
        database.close()
        return answer

    def check(self):
        found = self.execute("SELECT count(*), min(local), max(login) FROM user")
        last = self.users - 1
        assert found == (self.users, "first.last00000000", f"a{last:08}"), found


def compare(live, directory, order, rounds):
    """Rows of the table: in turns, each into an empty table."""
    ours, theirs = write_files(directory, order, live.users, order == "random")
    left, right, again = [], [], []
    for _ in range(rounds):
        right.append(reference(directory, theirs))
        live.execute("DELETE FROM user")
        left.append(live.take(ours))
        live.check()
        again.append(live.take(ours, "--replace-all"))
    live.check()
    live.execute("UPDATE user SET login = 'x' WHERE local LIKE '%7'")
    changed = live.take(ours, "--replace-all")
    live.check()
    ours.unlink()
    theirs.unlink()

    def row(name, taken, ratio=""):
        return [name, *(bench.low_and_middle([one[i] for one in taken]) for i in (0, 1)),
                f"{max(one[2] for one in taken):.1f}", ratio]

    def ratio(i):
        return bench.paired([one[i] for one in left], [one[i] for one in right])

    return [row(f"{order}, sqlite3 .import", right),
            row(f"{order}, user import", left, f"{ratio(0):.2f} ({ratio(1):.2f})"),
            row(f"{order}, the same again, --replace-all", again),
            row(f"{order}, a tenth changed, --replace-all", [changed])]


def measure(users, rounds, orders):
    if not bench.find_program("sqlite3"):
        bench.note("skipped: there is no program 'sqlite3' to compare with")
        return
    with bench.directory() as directory:
        free = shutil.disk_usage(directory).free
        if free < users * BYTES_PER_USER:
            bench.note(f"skipped: {directory.parent} has {free >> 20} MiB free, "
                       f"{users * BYTES_PER_USER >> 20} are needed; set TMPDIR to where there is "
                       "more")
            return
        live = Live(directory, bench.Authority(directory), users)
        try:
            live.daemon.start()
            bench.note(f"{users} users, {rounds} rounds, into a live database; seconds min / "
                       "median, peak MiB, ratio to .import of seconds (of processor time):")
            for order in orders:
                bench.print_table([["", "seconds", "processor", "peak MiB", "ratio"],
                                   *compare(live, directory, order, rounds)])
        finally:
            live.daemon.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--orders", default="sorted,random", help="of the file")
    options = parser.parse_args()
    random.seed(1)
    measure(options.users, options.rounds, options.orders.split(","))


if __name__ == "__main__":
    sys.exit(main())
