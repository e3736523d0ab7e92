"""A database that is replaced, recreated, overwritten or loses its log while the daemon runs."""
import contextlib
import os
import shutil
import sqlite3
import time

import pytest

from daemon import free_port
from mailconfctl import Mailconfctl
from test_metrics import monitor

SERVICES = ["imaps://imap.example.org", "submissions://smtp.example.org"]
TARGET = "/mail/config-v1.1.xml?emailaddress="
PATIENCE = 60


@pytest.fixture
def served(daemon):
    daemon.setup(["domain", "add", "example.org", *SERVICES], ["user", "add", "fred@example.org", "old-login"])
    return daemon.start()


def file_of(daemon):
    return daemon.directory / "mailconfd.db"


def other_database(directory, login="new-login"):
    """Whole, in one file, as a backup is."""
    directory.mkdir()
    ctl = Mailconfctl(str(directory))
    ctl("domain", "add", "example.org", *SERVICES)
    ctl("user", "add", "fred@example.org", login)
    ctl("backup", str(directory / "copy.db"))
    return directory / "copy.db"


def answer(daemon, address="fred@example.org"):
    return daemon.get(TARGET + address)


def has_login(daemon, login):
    return login.encode() in answer(daemon).body


def remove_log(daemon):
    for suffix in "-wal", "-shm":
        os.unlink(f"{file_of(daemon)}{suffix}")


def rename_over(daemon, copy):
    remove_log(daemon)
    os.rename(copy, file_of(daemon))


def copy_after_removing(daemon, copy):
    remove_log(daemon)
    os.unlink(file_of(daemon))
    shutil.copy(copy, file_of(daemon))


@pytest.mark.parametrize("replace", [rename_over, copy_after_removing],
                         ids=lambda replace: replace.__name__)
def test_replaced_file_is_served(served, tmp_path, replace):
    copy = other_database(tmp_path / "other")
    assert has_login(served, "old-login")
    replace(served, copy)
    served.wait_for_log("database replaced, reopened: file=")
    assert has_login(served, "new-login")
    status = os.stat(file_of(served))
    assert f"device={status.st_dev} inode={status.st_ino}" in served.log()
    served.ctl("user", "set", "fred@example.org", "--login", "newest-login")
    assert wait_until(lambda: has_login(served, "newest-login"))
    assert served.log().count("database replaced") == 1


def wait_until(holds):
    deadline = time.monotonic() + PATIENCE
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds()


def test_recreated_file_is_served(served):
    """As when somebody starts from scratch."""
    remove_log(served)
    os.unlink(file_of(served))
    served.setup(["domain", "add", "example.net", *SERVICES])
    served.wait_for_log("database replaced, reopened: file=")
    assert answer(served, "a@example.net").status == 200
    assert answer(served).status == 404


@pytest.mark.parametrize("suffixes", [("-wal",), ("-shm",), ("-wal", "-shm")])
def test_removed_log(served, suffixes):
    """The daemon shows what mailconfctl does: both make new ones."""
    assert has_login(served, "old-login")
    for suffix in suffixes:
        os.unlink(f"{file_of(served)}{suffix}")
    served.wait_for_log("-wal or -shm file of the database replaced, reopened: file=")
    served.ctl("user", "set", "fred@example.org", "--login", "newest-login")
    assert wait_until(lambda: has_login(served, "newest-login"))


def test_what_is_no_database_leaves_the_old_one_in_use(served, tmp_path):
    copy = other_database(tmp_path / "other")
    file = file_of(served)
    (tmp_path / "junk").write_bytes(b"junk" * 5000)
    os.rename(file, tmp_path / "aside.db")
    os.rename(tmp_path / "junk", file)
    served.wait_for_log("error: cannot reopen the database: ")
    assert "; the one that is open stays in use" in served.log()
    assert has_login(served, "old-login")
    remove_log(served)
    os.rename(copy, file)
    served.wait_for_log("database replaced, reopened: file=")
    assert has_login(served, "new-login")
    assert served.log().count("cannot reopen") == 1


def test_file_that_is_gone_leaves_the_old_one_in_use(served):
    os.rename(file_of(served), f"{file_of(served)}.aside")
    served.wait_for_log("error: cannot reopen the database: ")
    assert "does not exist" in served.log() and has_login(served, "old-login")
    os.rename(f"{file_of(served)}.aside", file_of(served))
    served.ctl("user", "set", "fred@example.org", "--login", "newest-login")
    assert wait_until(lambda: has_login(served, "newest-login"))


def write_back(daemon, logins):
    """Makes changes, and writes them from the log into the file."""
    with contextlib.closing(sqlite3.connect(file_of(daemon))) as database:
        for login in logins:
            database.execute("UPDATE user SET login = ?", (login,))
            database.commit()
        assert database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0


def overwrite(daemon, copy):
    with open(file_of(daemon), "r+b") as file:
        file.write(copy.read_bytes())


def test_reload_reopens(served, tmp_path):
    """What cannot be noticed: overwritten with another database of the same size and time."""
    copy = tmp_path / "copy.db"
    served.ctl("backup", copy)
    write_back(served, ["other-login"])
    assert has_login(served, "other-login")
    times = os.stat(file_of(served))
    overwrite(served, copy)
    os.utime(file_of(served), ns=(times.st_atime_ns, times.st_mtime_ns))
    served.reload()
    assert wait_until(lambda: has_login(served, "old-login"))


def test_overwritten_in_place(served, tmp_path):
    """By cp, of an older copy, after the log was written back."""
    copy = tmp_path / "copy.db"
    served.ctl("backup", copy)
    write_back(served, [f"login-{number}" for number in range(20)])
    assert has_login(served, "login-19")
    overwrite(served, copy)
    served.wait_for_log("warning: database overwritten in place, reopened: file=")
    assert wait_until(lambda: has_login(served, "old-login"))


def test_requests_go_on_while_it_is_reopened(served, tmp_path):
    """None of them fails."""
    copies = [other_database(tmp_path / str(number), f"login-{number}") for number in range(2)]
    for number, copy in enumerate(copies):
        rename_over(served, copy)
        while served.log().count("database replaced, reopened") <= number:
            assert answer(served).status == 200
    assert has_login(served, "login-1")


def test_database_that_was_gone_at_the_start(served):
    """'init', which the unit runs first, makes an empty one."""
    served.stop()
    os.unlink(file_of(served))
    assert served.ctl("init").stdout == \
        f"database {file_of(served)} did not exist; created an empty one\n"
    served.metrics_port = free_port()
    served.settings["metrics"] = {"listen": f"127.0.0.1:{served.metrics_port}"}
    served.start()
    warning = [line for line in served.log().splitlines() if "has no domains" in line]
    assert len(warning) == 1 and "created=2" in warning[0] and "mailconfctl restore FILE" in warning[0]
    assert served.ctl("init").stdout == f"database {file_of(served)} is ready\n"
    readiness = monitor(served, "/readyz")
    assert (readiness.status, readiness.body) == (503, b"The database has no domains.\n")
    served.setup(["domain", "add", "example.org", *SERVICES])
    assert monitor(served, "/readyz").status == 200
