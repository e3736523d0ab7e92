"""Programs that root starts have no rights of root in the directory of the database: whoever controls the daemon's
account could otherwise make SQLite delete or change any file."""
import contextlib
import json
import os
import pathlib
import pwd
import shutil
import sqlite3
import stat
import struct
import subprocess
import tempfile

import pytest

from daemon import PATIENCE, Daemon
from test_import_automx2 import NEWEST
from test_manual import commands

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give up")

NOBODY = pwd.getpwnam("nobody")
SERVICES = ["imaps://imap.example.org", "submissions://smtp.example.org"]
MAGIC = bytes.fromhex("d9d505f920a163d7")
AUTOCONFIG = """<clientConfig version="1.1"><emailProvider id="imported.example"><domain>imported.example</domain>
<incomingServer type="imap"><hostname>imap.imported.example</hostname><port>993</port><socketType>SSL</socketType>
<username>%EMAILADDRESS%</username><authentication>password-cleartext</authentication></incomingServer>
</emailProvider></clientConfig>"""


@pytest.fixture
def service(authority, build):
    """A database in a directory that belongs to nobody, with one domain and one user."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="mailconfd-"))
    directory.chmod(0o755)
    instance = Daemon(directory, authority, build)
    data = directory / "data"
    data.mkdir(mode=0o750)
    os.chown(data, NOBODY.pw_uid, NOBODY.pw_gid)
    instance.settings["database"]["file"] = data / "mailconfd.db"
    instance.setup(
        ["domain", "add", "example.org", *SERVICES],
        ["link", "add", "example.org", "documentation", "https://example.org/help"],
        ["user", "add", "first.last@example.org", "a4711"],
    )
    os.chown(directory / "certificates" / "main.pem", 0, NOBODY.pw_gid)
    (directory / "certificates" / "main.pem").chmod(0o640)
    yield instance
    instance.stop()
    shutil.rmtree(directory)


@pytest.fixture
def private():
    """A directory that only root can enter."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="mailconfd-"))
    yield directory
    shutil.rmtree(directory)


def plant_journal(database, content, victim):
    """Puts the database in place and makes SQLite believe that a transaction over several databases was interrupted, and that the victim is its
    super-journal, which is deleted in the end."""
    content = bytearray(content)
    content[18:20] = b"\1\1"  # a rollback journal instead of WAL
    page = struct.unpack(">H", content[16:18])[0]
    database.write_bytes(content)
    for end in "-wal", "-shm":
        database.with_name(database.name + end).unlink(missing_ok=True)
    header = MAGIC + struct.pack(">IIIII", 0, 0, len(content) // page, 512, page)
    name = os.fsencode(victim)
    trailer = struct.pack(">I", 0x40000000 // page + 1) + name + struct.pack(">II", len(name), sum(name)) + MAGIC
    journal = database.with_name(database.name + "-journal")
    journal.unlink(missing_ok=True)
    journal.write_bytes(header.ljust(512, b"\0") + trailer)
    for file in database, journal:
        os.chown(file, NOBODY.pw_uid, NOBODY.pw_gid)


def automx2(file):
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.executescript(NEWEST)


def arguments(service, private):
    """For each command, arguments with which it opens the database. A new command is to be added here."""
    (private / "commands").write_text("user add second@example.org b4711\n")
    (private / "users.csv").write_text("address,login\nthird@example.org,c4711\n")
    (private / "domains.csv").write_text("domain,provider\nexample.net,example.org\n")
    (private / "config.xml").write_text(AUTOCONFIG)
    service.ctl("export", str(private / "all"), "--force")
    automx2(private / "automx2.db")
    imaps = "imaps://second.example.org"
    return {
        "provider add": ["new", imaps],
        "provider set": ["example.org", "--ttl", "7"],
        "provider list": [],
        "provider show": ["example.org"],
        "provider import": [str(private / "config.xml")],
        "provider remove": ["example.org"],
        "service add": ["example.org", imaps],
        "service set": ["example.org", SERVICES[0], "--login", "%EMAILLOCALPART%"],
        "service list": ["example.org"],
        "service remove": ["example.org", SERVICES[0]],
        "link add": ["example.org", "documentation", "https://example.org/more"],
        "link set": ["example.org", "documentation", "https://example.org/help", "--text", "en=Help"],
        "link list": ["example.org"],
        "link remove": ["example.org", "documentation", "https://example.org/help"],
        "domain add": ["example.net", *SERVICES],
        "domain set": ["example.org", "--provider", "example.org"],
        "domain list": [],
        "domain show": ["example.org"],
        "domain import": [str(private / "domains.csv")],
        "domain export": [],
        "domain enable": ["example.org"],
        "domain disable": ["example.org"],
        "domain remove": ["example.org", "--with-users"],
        "user add": ["second@example.org", "b4711"],
        "user set": ["first.last@example.org", "--login", "b4711"],
        "user show": ["first.last@example.org"],
        "user list": [],
        "user import": [str(private / "users.csv")],
        "user export": [],
        "user rename-login": ["a4711", "b4711"],
        "user remove": ["first.last@example.org"],
        "batch": [str(private / "commands")],
        "import automx2": [str(private / "automx2.db")],
        "export": ["-"],
        "apply": [str(private / "all")],
        "backup": [str(private / "copy.db"), "--force"],
        "preview": ["outlook", "first.last@example.org"],
        "dns": ["example.org"],
        "doctor": ["example.org", "--connect", "127.0.0.1:9", "--resolver", "127.0.0.1:9"],
        "certificate list": [],
        "certificate request": ["example.org", "--dry-run", "--address", "192.0.2.1", "--resolver", "127.0.0.1:9"],
        "certificate renew": ["--dry-run", "--address", "192.0.2.1", "--resolver", "127.0.0.1:9"],
        "log-hash": ["first.last@example.org"],
        "init": [],
        # Not in the help: shells run it.
        "complete": ["--config", str(service.config), "user", "show", "f"],
    }


def test_no_command_recovers_the_database_as_root(service, private, build):
    known = arguments(service, private)
    assert {" ".join(words) for words in commands(build)} | {"complete"} == set(known)
    victim = private / "victim"
    database = service.settings["database"]["file"]
    content = database.read_bytes()
    lost = []
    for command, words in ((c, w) for c, w in known.items() if c.startswith("certificate")):
        victim.write_text("precious")
        plant_journal(database, content, victim)
        before = [] if command == "complete" else ["--config", service.config]
        result = subprocess.run([build / "src" / "mailconfctl", *before, *command.split(), *words], check=False,
                                capture_output=True, text=True, timeout=PATIENCE)
        assert result.returncode in (0, 1), (command, result.stderr)
        if not victim.exists():
            lost.append(command)
    assert lost == []


@pytest.mark.parametrize("options", [(), ("--check-config",)])
def test_the_daemon_does_not_recover_the_database_as_root(service, private, options):
    victim = private / "victim"
    victim.write_text("precious")
    database = service.settings["database"]["file"]
    plant_journal(database, database.read_bytes(), victim)
    service.write_settings()
    result = subprocess.run(service.command(*options), capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert result.returncode == 1, result.stderr
    assert victim.exists()


def test_invalid_rows_stop_no_certificate_command(service):
    """A process of the database's owner reads them; root checks what it sends."""
    database = service.settings["database"]["file"]
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE provider SET public_name = 'mail example' WHERE name = 'example.org'")
        connection.executemany(
            "INSERT INTO domain (name, provider, is_enabled) VALUES (?, 1, 1)",
            [("--ualias",), ("../../etc/x",), ("a\tb.example",), ("two\nlines.example",), ("Upper.example",)])
    service.ctl("provider", "add", "good", "imaps://imap.example.net")
    service.ctl("domain", "add", "example.net", "--provider", "good")
    result = service.ctl("certificate", "list", "--json")
    assert [entry["domain"] for entry in json.loads(result.stdout)["domains"]] == []
    assert "are left out as invalid" in result.stderr
    service.add_certificate("main", "unrelated.example")
    result = service.ctl("certificate", "list", "--json")
    assert [entry["domain"] for entry in json.loads(result.stdout)["domains"]] == ["example.net"]
