"""Copies of the database: whole, of one moment, and for their owner alone."""
import contextlib
import os
import sqlite3
import stat
import threading

import pytest

from mailconfctl import Mailconfctl
from test_migration import first_release

SERVICES = ["imaps://imap.example.org", "submissions://smtp.example.org"]


@pytest.fixture
def ctl(tmp_path):
    tool = Mailconfctl(str(tmp_path))
    tool("domain", "add", "example.org", *SERVICES)
    tool("user", "add", "first.last@example.org", "a4711")
    return tool


def dump(file):
    """All that a database holds, as SQL."""
    with contextlib.closing(sqlite3.connect(file)) as connection:
        return list(connection.iterdump())


def others_in(directory, *known):
    return sorted(set(os.listdir(directory)) - {os.path.basename(name) for name in known})


def test_directory_that_is_a_link(ctl, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    ctl("backup", str(tmp_path / "link" / "copy.db"))
    assert dump(tmp_path / "real" / "copy.db") == dump(ctl.database)


def test_copy_is_the_same(ctl, tmp_path):
    copy = str(tmp_path / "copy" / "mailconfd.db")
    os.mkdir(tmp_path / "copy")
    assert ctl("backup", copy) == f"database {ctl.database} copied to {copy}\n"
    assert stat.S_IMODE(os.stat(copy).st_mode) == 0o600
    assert others_in(tmp_path / "copy", copy) == []
    assert dump(copy) == dump(ctl.database)
    assert any(line.startswith('INSERT INTO "secret"') for line in dump(copy))
    assert ctl.json("--database", copy, "user", "list") == ctl.json("user", "list")
    ctl("--database", copy, "user", "set", "first.last@example.org", "--login", "a4712")


def test_existing_file(ctl, tmp_path):
    copy = tmp_path / "copy.db"
    copy.write_text("mine")
    assert ctl.refused("backup", str(copy)) == \
        f"'{copy}' exists already; use --force to replace it"
    assert copy.read_text() == "mine"
    reader = open(copy, encoding="ascii")
    ctl("backup", "--force", str(copy))
    assert dump(copy) == dump(ctl.database)
    assert reader.read() == "mine", "the file was written over, not replaced"
    assert stat.S_IMODE(os.stat(copy).st_mode) == 0o600


def test_link_is_replaced_and_not_followed(ctl, tmp_path):
    target, copy = tmp_path / "target", tmp_path / "copy.db"
    target.write_text("mine")
    copy.symlink_to(target)
    ctl("backup", "--force", str(copy))
    assert target.read_text() == "mine"
    assert not copy.is_symlink() and dump(copy) == dump(ctl.database)


@pytest.mark.parametrize("command", ["backup", "export"])
@pytest.mark.parametrize("is_used", [False, True], ids=["alone", "used"])
def test_database_is_not_written_over(ctl, tmp_path, command, is_used):
    """Its log may hold what was committed last, and is as much of it as the file."""
    before = dump(ctl.database)
    with contextlib.closing(sqlite3.connect(ctl.database)) as connection:
        if is_used:
            connection.execute("SELECT * FROM domain").fetchall()
        files = set(os.listdir(tmp_path))
        assert ctl.refused(command, "--force", ctl.database) == \
            f"'{ctl.database}' is the database itself"
        for suffix in "-wal", "-shm":
            file = ctl.database + suffix
            assert ctl.refused(command, "--force", file) == \
                f"'{file}' is a file of the database itself"
        link = tmp_path / "link"
        os.link(ctl.database, link)
        assert ctl.refused(command, "--force", str(link)) == f"'{link}' is the database itself"
        os.unlink(link)
        assert set(os.listdir(tmp_path)) <= files | {"mailconfd.db-wal", "mailconfd.db-shm"}
    assert dump(ctl.database) == before


def test_what_is_no_place_for_a_copy(ctl, tmp_path):
    before = ctl.json("domain", "list"), set(os.listdir(tmp_path))
    assert ctl.refused("backup", "--force", ctl.database) == \
        f"'{ctl.database}' is the database itself"
    link = tmp_path / "link.db"
    link.symlink_to(ctl.database)
    assert ctl.refused("backup", "--force", str(link)) == f"'{link}' is the database itself"
    link.unlink()
    assert ctl.refused("backup", "--force", str(tmp_path)) == \
        f"cannot write '{tmp_path}': it is not a file"
    missing = tmp_path / "missing" / "copy.db"
    assert ctl.refused("backup", str(missing)) == \
        f"cannot write '{missing}': No such file or directory"
    assert (ctl.json("domain", "list"), set(os.listdir(tmp_path))) == before


def test_no_database(tmp_path):
    ctl = Mailconfctl(str(tmp_path))
    assert ctl.refused("backup", str(tmp_path / "copy.db")) == \
        f"database '{ctl.database}' does not exist; create it with 'mailconfctl init'"
    with open(ctl.database, "w", encoding="ascii") as file:
        file.write("no database at all" * 100)
    assert "file is not a database" in ctl.refused("backup", str(tmp_path / "copy.db"))
    assert not (tmp_path / "copy.db").exists()


def test_database_of_an_older_version(tmp_path):
    """Before a newer mailconfctl brings it up is when a copy is wanted most."""
    ctl = Mailconfctl(str(tmp_path))
    first_release(ctl.database)
    before = dump(ctl.database)
    copy = str(tmp_path / "copy.db")
    ctl("backup", copy)
    assert dump(copy) == before == dump(ctl.database)


class Writer:
    """Adds users two by two, one pair in a transaction, until it is told to stop."""

    def __init__(self, file):
        self.file = file
        self.pairs = 0
        self.longest = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        with contextlib.closing(sqlite3.connect(self.file, timeout=0, isolation_level=None)) as base:
            while not self.stopping.is_set():
                base.execute("BEGIN IMMEDIATE")
                for half in "ab":
                    base.execute(
                        "INSERT INTO user (domain, local, login) VALUES ('example.org', ?, 'x')",
                        (f"{self.pairs:06}{half}",),
                    )
                base.execute("COMMIT")
                self.pairs += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()


def pairs_in(file):
    with contextlib.closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return connection.execute(
            "SELECT sum(local LIKE '%a'), sum(local LIKE '%b') FROM user "
            "WHERE local GLOB '[0-9]*'").fetchone()


def test_while_the_daemon_answers_and_another_one_writes(daemon, tmp_path):
    daemon.setup(["domain", "add", "example.org", *SERVICES])
    daemon.start()
    copies = [tmp_path / f"copy{number}.db" for number in range(6)]
    with Writer(daemon.settings["database"]["file"]) as writer:
        for copy in copies:
            seen = writer.pairs
            while writer.pairs < seen + 20:
                assert writer.thread.is_alive(), "the writer was locked out"
            daemon.ctl("backup", copy)
            answer = daemon.get("/mail/config-v1.1.xml?emailaddress=x%40example.org")
            assert answer.status == 200
    counts = [pairs_in(copy) for copy in copies]
    for a, b in counts:
        assert a == b > 0, "half a transaction is in the copy"
    assert counts == sorted(counts) and counts[0] < counts[-1]
