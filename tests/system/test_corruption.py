"""A database that was corrupted, or changed with other tools: what cannot be read is reported, the rest is
served, and what was put right is served again."""
import contextlib
import os
import sqlite3
import time

import pytest

from mailconfctl import Mailconfctl, joined

PAGE = 4096
IMAPS = "imaps://imap.example.org"
TARGET = "/mail/config-v1.1.xml?emailaddress="
RELAX = "UPDATE sqlite_schema SET sql = replace(sql, 'login TEXT NOT NULL', 'login TEXT') WHERE name = 'user'"


def spoil(database, sql):
    """Changes what the constraints of a table forbid."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.executescript(
            f"PRAGMA writable_schema = ON; {RELAX}; PRAGMA writable_schema = RESET;"
            f"PRAGMA ignore_check_constraints = ON; {sql};")


@pytest.fixture
def ctl(tmp_path):
    tool = Mailconfctl(str(tmp_path))
    tool.warned("domain", "add", "example.org", IMAPS)
    tool.warned("domain", "add", "example.net", IMAPS)
    for user in ("anna@example.net", "bert@example.org", "fred@example.org"):
        tool("user", "add", user, user[0])
    return tool


def invalid(ctl, row, remedy, table="user", column="login is NULL"):
    return f"database '{ctl.database}': invalid row '{row}' in table {table}: {column}; {remedy}"


def removes(address):
    return f"remove it with 'mailconfctl user remove {address}'"


def test_list_names_the_invalid_row_and_shows_the_others(ctl):
    spoil(ctl.database, "UPDATE user SET login = NULL WHERE local = 'fred'")
    result = ctl.run("user", "list")
    assert result.returncode == 1
    assert "anna@example.net" in result.stdout and "bert@example.org" in result.stdout
    assert "fred@example.org" not in result.stdout
    sentence = invalid(ctl, "fred@example.org", removes("fred@example.org"))
    assert joined(result.stderr).splitlines() == [
        f"mailconfctl: warning: {sentence}",
        f"mailconfctl: 1 invalid row of database '{ctl.database}' was left out"]
    assert ctl.refused("user", "show", "fred@example.org") == sentence
    ctl("domain", "list")
    # The remedy that it names.
    assert ctl("user", "remove", "fred@example.org") == "user fred@example.org removed\n"
    assert len(ctl.json("user", "list")) == 2


def test_export_is_whole_or_fails(ctl):
    spoil(ctl.database, "UPDATE user SET login = NULL WHERE local = 'fred'")
    for command in (["export"], ["user", "export"]):
        result = ctl.run(*command)
        assert result.returncode == 1 and "login is NULL" in result.stderr


def test_another_row_can_be_changed_meanwhile(ctl):
    spoil(ctl.database, "UPDATE user SET login = NULL, moved_to = 'x@example.com' WHERE local = 'fred'")
    warning, = ctl.warned("user", "remove", "bert@example.org")
    assert "fred@example.org" in warning
    ctl("user", "remove", "fred@example.org")


def test_invalid_domain_is_removed(ctl):
    spoil(ctl.database, "UPDATE domain SET is_enabled = 7 WHERE name = 'example.net'")
    result = ctl.run("domain", "list")
    assert result.returncode == 1 and "example.org" in result.stdout
    assert invalid(ctl, "example.net", "remove it with 'mailconfctl domain remove example.net'", "domain",
                   "is_enabled is out of range") in joined(result.stderr)
    ctl("domain", "remove", "example.net", "--with-users")
    assert [row["domain"] for row in ctl.json("domain", "list")] == ["example.org"]


def fill(daemon):
    daemon.setup(["domain", "add", "example.org", IMAPS, "submissions://smtp.example.org"],
                 ["user", "add", "fred@example.org", "a4711"], ["user", "add", "anna@example.org", "a4712"])


def status(daemon, address):
    return daemon.get(TARGET + address).status


def test_null_is_a_temporary_failure_for_its_user_alone(daemon):
    fill(daemon)
    spoil(daemon.directory / "mailconfd.db", "UPDATE user SET login = NULL WHERE local = 'fred'")
    daemon.start()
    assert status(daemon, "fred@example.org") == 503
    assert status(daemon, "anna@example.org") == 200
    assert "invalid row 'fred@example.org' in table user: login is NULL" in daemon.log()


def pages_with(data, text):
    return [number for number in range(len(data) // PAGE) if text in data[number * PAGE:(number + 1) * PAGE]]


@pytest.mark.parametrize("words", ["overwritten in place, with its times", "overwritten in place"])
def test_page_that_was_put_right_is_served_again(daemon, words):
    fill(daemon)
    database = daemon.directory / "mailconfd.db"
    good = database.read_bytes()
    page, = pages_with(good, b"a4711")
    times = os.stat(database)

    def write(data):
        with open(database, "r+b") as file:
            file.seek(page * PAGE)
            file.write(data)
        if "times" in words:
            os.utime(database, ns=(times.st_atime_ns, times.st_mtime_ns))

    write(b"\xff" * PAGE)
    daemon.start()
    assert status(daemon, "fred@example.org") == 503
    assert "is corrupted: looking up a user: database disk image is malformed" in daemon.log()
    write(good[page * PAGE:(page + 1) * PAGE])
    assert status(daemon, "fred@example.org") == 200


def test_header_that_was_put_right(daemon):
    """While the file is not a database, the open one stays in use; then it is opened again."""
    fill(daemon)
    daemon.start()
    database = daemon.directory / "mailconfd.db"
    good = database.read_bytes()

    def write(data):
        with open(database, "r+b") as file:
            file.write(data)

    assert status(daemon, "fred@example.org") == 200
    write(b"\xff" * 100)
    daemon.wait_for_log("error: cannot reopen the database: ")
    assert "is corrupted" in daemon.log() and "; the one that is open stays in use" in daemon.log()
    assert status(daemon, "anna@example.org") in (200, 503)
    write(good[:100])
    assert wait_for_status(daemon, "fred@example.org") == 200
    assert daemon.log().count("cannot reopen") == 1


def wait_for_status(daemon, address):
    deadline = time.monotonic() + 60
    while status(daemon, address) != 200 and time.monotonic() < deadline:
        time.sleep(0.02)
    return status(daemon, address)
