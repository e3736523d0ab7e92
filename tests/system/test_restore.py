"""A backup takes the place of the database: checked, brought up to date, at once, and with the way back."""
import contextlib
import os
import sqlite3
import time

import pytest

from mailconfctl import Mailconfctl
from test_backup import Writer, dump, pairs_in
from test_migration import VERSION, first_release, pragma

SERVICES = ["imaps://imap.example.org", "submissions://smtp.example.org"]
TARGET = "/mail/config-v1.1.xml?emailaddress=fred%40example.org"
PAGE = 4096


def login(ctl, text):
    ctl("user", "set", "fred@example.org", "--login", text)


@pytest.fixture
def ctl(tmp_path):
    tool = Mailconfctl(str(tmp_path))
    tool("domain", "add", "example.org", *SERVICES)
    tool("user", "add", "fred@example.org", "old-login")
    return tool


@pytest.fixture
def backup(ctl, tmp_path):
    """Of what was; the database has another login since then."""
    copy = str(tmp_path / "copy.db")
    ctl("backup", copy)
    login(ctl, "new-login")
    return copy


def files_in(directory):
    return sorted(name for name in os.listdir(directory) if not name.endswith(("-wal", "-shm")))


def test_restore_and_the_way_back(ctl, backup, tmp_path):
    before = dump(ctl.database)
    kept = f"{ctl.database}.before-restore"
    assert ctl("restore", backup) == (
        f"database {ctl.database} restored from {backup}: 1 domain, 1 user\n"
        f"the old one is kept as {kept}\n")
    assert dump(ctl.database) == dump(backup) != before
    assert dump(kept) == before
    assert files_in(tmp_path) == ["copy.db", "mailconfd.conf", "mailconfd.db", "mailconfd.db.before-restore"]
    os.rename(kept, tmp_path / "back.db")
    ctl("restore", str(tmp_path / "back.db"))
    assert dump(ctl.database) == before


def test_where_there_is_no_database(ctl, backup):
    for suffix in "", "-wal", "-shm":
        with contextlib.suppress(FileNotFoundError):
            os.unlink(ctl.database + suffix)
    assert ctl("restore", backup) == \
        f"database {ctl.database} restored from {backup}: 1 domain, 1 user\n"
    assert dump(ctl.database) == dump(backup)
    login(ctl, "newest-login")


def set_rollback_journal(database):
    with contextlib.closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA journal_mode = DELETE").fetchall() == [("delete",)]


def test_a_rollback_journal_becomes_a_log(ctl, backup):
    """Readers would keep writers waiting, and the lock of a restore its own copy of the old state."""
    set_rollback_journal(ctl.database)
    ctl("restore", backup)
    assert pragma(ctl.database, "journal_mode") == [("wal",)]
    set_rollback_journal(ctl.database)
    login(ctl, "newest-login")
    assert pragma(ctl.database, "journal_mode") == [("wal",)]


def test_older_version_is_migrated(ctl, tmp_path):
    first_release(tmp_path / "old.db")
    before = (tmp_path / "old.db").read_bytes()
    assert "the backup was migrated from schema version 1\n" in ctl("restore", str(tmp_path / "old.db"))
    assert pragma(ctl.database, "user_version") == [(VERSION,)]
    assert pragma(ctl.database, "integrity_check") == [("ok",)]
    assert len(ctl.json("domain", "list")) == 3
    assert (tmp_path / "old.db").read_bytes() == before
    assert files_in(tmp_path) == ["mailconfd.conf", "mailconfd.db", "mailconfd.db.before-restore", "old.db"]


def set_version(file, _):
    with contextlib.closing(sqlite3.connect(file)) as database:
        database.execute(f"PRAGMA user_version = {VERSION + 1}")


def be_of_others(file, _):
    with contextlib.closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA application_id = 1")


def be_text(file, _):
    with open(file, "w", encoding="ascii") as out:
        out.write("no database at all" * 100)


def be_cut(file, _):
    os.truncate(file, 3 * PAGE)


def be_overwritten(file, _):
    with open(file, "r+b") as out:
        out.seek(2 * PAGE)
        out.write(b"\xff" * (os.path.getsize(file) - 2 * PAGE))


def have_a_log(file, stack):
    database = stack.enter_context(contextlib.closing(sqlite3.connect(file)))
    database.execute("UPDATE user SET login = 'later'")
    database.commit()


@pytest.mark.parametrize("change, words", [
    (set_version, f"has schema version {VERSION + 1}, but this program supports versions up to {VERSION}"),
    (be_of_others, "is not a database of mailconfd"),
    (be_text, "is not a database of mailconfd"),
    (be_cut, "is corrupted: "),
    (be_overwritten, "is corrupted: "),
    (have_a_log, "lacks the changes in "),
], ids=lambda value: getattr(value, "__name__", ""))
def test_backup_that_is_refused(ctl, backup, tmp_path, change, words):
    before = dump(ctl.database)
    with contextlib.ExitStack() as stack:
        change(backup, stack)
        assert words in ctl.refused("restore", backup)
    assert dump(ctl.database) == before
    assert files_in(tmp_path) == ["copy.db", "mailconfd.conf", "mailconfd.db"]


def test_database_of_another_program_is_not_replaced(ctl, backup, tmp_path):
    other = tmp_path / "other.db"
    with contextlib.closing(sqlite3.connect(other)) as database:
        database.execute("CREATE TABLE precious (x)")
    assert ctl.refused("--database", str(other), "restore", backup) == \
        f"'{other}' is not a database of mailconfd"
    assert dump(other) == ["BEGIN TRANSACTION;", "CREATE TABLE precious (x);", "COMMIT;"]


@pytest.mark.parametrize("place", [0, PAGE], ids=["header", "other page"])
def test_corrupted_database_is_replaced(ctl, backup, place):
    with open(ctl.database, "r+b") as file:
        file.seek(place)
        file.write(b"\xff" * (PAGE if place else 512))
    with open(ctl.database, "rb") as file:
        corrupted = file.read()
    ctl("restore", backup)
    assert dump(ctl.database) == dump(backup)
    assert pragma(ctl.database, "integrity_check") == [("ok",)]
    with open(f"{ctl.database}.before-restore", "rb") as file:
        kept = file.read()
    # SQLite counts the copy in the header.
    assert kept[place:place + 512] == corrupted[place:place + 512] and len(kept) == len(corrupted)


def test_other_page_size(ctl, backup):
    with contextlib.closing(sqlite3.connect(backup)) as database:
        database.executescript("PRAGMA journal_mode = DELETE; PRAGMA page_size = 1024; VACUUM")
    ctl("restore", backup)
    assert dump(ctl.database) == dump(backup)


def test_writers_are_waited_for(ctl, backup, tmp_path):
    """What they commit meanwhile is in the old database, which is kept."""
    with contextlib.closing(sqlite3.connect(ctl.database, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE user SET login = 'latest-login'")
        process = ctl.start("restore", backup)
        # It has copied the backup, and is at the lock.
        deadline = time.monotonic() + 60
        while not any(".restore-" in name for name in os.listdir(tmp_path)):
            assert process.poll() is None and time.monotonic() < deadline
        writer.execute("COMMIT")
        assert process.wait(timeout=60) == 0, process.stderr.read()
    assert any("latest-login" in line for line in dump(f"{ctl.database}.before-restore"))
    assert any("old-login" in line for line in dump(ctl.database))


def serve(daemon):
    daemon.setup(["domain", "add", "example.org", *SERVICES], ["user", "add", "fred@example.org", "old-login"])
    copy = daemon.directory / "copy.db"
    daemon.ctl("backup", copy)
    daemon.ctl("user", "set", "fred@example.org", "--login", "new-login")
    daemon.start()
    assert b"new-login" in daemon.get(TARGET).body
    return copy


def wait_for_login(daemon, text):
    deadline = time.monotonic() + 60
    while text not in daemon.get(TARGET).body:
        assert time.monotonic() < deadline


def test_running_daemon_serves_it(daemon):
    copy = serve(daemon)
    daemon.ctl("restore", copy)
    wait_for_login(daemon, b"old-login")
    daemon.ctl("user", "set", "fred@example.org", "--login", "newest-login")
    wait_for_login(daemon, b"newest-login")
    assert "error" not in daemon.log()


def test_running_daemon_serves_what_replaced_a_corrupted_file(daemon):
    copy = serve(daemon)
    with open(daemon.directory / "mailconfd.db", "r+b") as file:
        file.write(b"\xff" * 512)
    daemon.ctl("restore", copy)
    daemon.wait_for_log("database replaced, reopened: file=")
    assert b"old-login" in daemon.get(TARGET).body


class PatientWriter(Writer):
    """Waits for others as mailconfctl does."""

    def run(self):
        with contextlib.closing(sqlite3.connect(self.file, timeout=60, isolation_level=None)) as base:
            while not self.stopping.is_set():
                base.execute("BEGIN IMMEDIATE")
                base.executemany("INSERT INTO user (domain, local, login) VALUES ('example.org', ?, 'x')",
                                 [(f"{self.pairs:06}{half}",) for half in "ab"])
                base.execute("COMMIT")
                self.pairs += 1


def test_while_another_one_writes(daemon):
    """Each pair of users is in the database or in the one that is kept, whole."""
    copy = serve(daemon)
    with PatientWriter(daemon.settings["database"]["file"]) as writer:
        while writer.pairs < 20:
            assert writer.thread.is_alive()
        daemon.ctl("restore", copy)
        assert daemon.get(TARGET).status == 200
        seen = writer.pairs
        while writer.pairs < seen + 20:
            assert writer.thread.is_alive()
    a, b = pairs_in(daemon.settings["database"]["file"])
    kept_a, kept_b = pairs_in(f"{daemon.settings['database']['file']}.before-restore")
    assert a == b and kept_a == kept_b
    assert a + kept_a == writer.pairs


def test_a_copy_is_kept_before_a_migration(ctl, tmp_path):
    database = tmp_path / "other.db"
    first_release(database)
    before = dump(database)
    ctl("--database", str(database), "init")
    assert dump(f"{database}.schema-1") == before
    assert os.stat(f"{database}.schema-1").st_mode & 0o777 == 0o600
    assert pragma(database, "user_version") == [(VERSION,)]
    # The way back, by the older program; and forward again.
    ctl("--database", str(database), "restore", f"{database}.schema-1")
    assert pragma(database, "user_version") == [(VERSION,)]


def test_of_these_copies_two_are_kept(ctl, tmp_path):
    for version in 1, 2, 3, VERSION - 2:
        (tmp_path / f"mailconfd.db.schema-{version}").write_text("older")
    schema = tmp_path / "older.db"
    first_release(schema)
    with contextlib.closing(sqlite3.connect(schema)) as database:
        for name in sorted(os.listdir(os.path.join(os.path.dirname(__file__), "../../data/schema")))[1:VERSION - 1]:
            with open(os.path.join(os.path.dirname(__file__), "../../data/schema", name), encoding="utf-8") as text:
                database.executescript(text.read())
        database.execute(f"PRAGMA user_version = {VERSION - 1}")
        database.commit()
    for suffix in "-wal", "-shm":
        with contextlib.suppress(FileNotFoundError):
            os.unlink(ctl.database + suffix)
    os.rename(schema, ctl.database)
    ctl("init")
    assert sorted(name for name in os.listdir(tmp_path) if ".schema-" in name) == [
        f"mailconfd.db.schema-{VERSION - 2}", f"mailconfd.db.schema-{VERSION - 1}"]


def test_no_migration_without_its_copy(ctl, tmp_path):
    database = tmp_path / "other.db"
    first_release(database)
    os.mkdir(f"{database}.schema-1")
    assert ctl.refused("--database", str(database), "init").startswith(
        f"before a migration: cannot copy database '{database}' to '{database}.schema-1': ")
    assert pragma(database, "user_version") == [(1,)]
