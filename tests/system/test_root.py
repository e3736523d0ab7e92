"""Programs that root starts have no rights of root in the directory of the database: an attacker in the daemon's
account could otherwise make SQLite delete or change any file."""
import contextlib
import grp
import json
import os
import pathlib
import pwd
import shutil
import socket
import sqlite3
import stat
import struct
import subprocess
import tempfile

import pytest

from daemon import PATIENCE
from test_import_automx2 import NEWEST
from test_manual import commands
from test_provider_import import web  # noqa: F401 (a fixture)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give up")

NOBODY = pwd.getpwnam("nobody")
SERVICES = ["imaps://imap.example.org", "submissions://smtp.example.org"]
MAGIC = bytes.fromhex("d9d505f920a163d7")
AUTOCONFIG = """<clientConfig version="1.1"><emailProvider id="imported.example"><domain>imported.example</domain>
<incomingServer type="imap"><hostname>imap.imported.example</hostname><port>993</port><socketType>SSL</socketType>
<username>%EMAILADDRESS%</username><authentication>password-cleartext</authentication></incomingServer>
</emailProvider></clientConfig>"""


@pytest.fixture
def service(service):
    """With a link and a user in the database too."""
    service.setup(
        ["service", "add", "example.org", SERVICES[1]],
        ["link", "add", "example.org", "documentation", "https://example.org/help"],
        ["user", "add", "first.last@example.org", "a4711"],
    )
    return service


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
    service.ctl("backup", str(private / "backup.db"), "--force")
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
        "restore": [str(private / "backup.db")],
        "backup": [str(private / "copy.db"), "--force"],
        "preview": ["outlook", "first.last@example.org"],
        "dns": ["example.org"],
        "doctor": ["example.org", "--connect", "127.0.0.1:9", "--resolver", "127.0.0.1:9"],
        "certificate list": [],
        "certificate prune": ["--dry-run"],
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
    for command, words in known.items():
        victim.write_text("precious")
        plant_journal(database, content, victim)
        before = [] if command == "complete" else ["--config", service.config]
        result = subprocess.run([build / "src" / "mailconfctl", *before, *command.split(), *words], check=False,
                                capture_output=True, text=True, timeout=PATIENCE)
        assert result.returncode in (0, 1), (command, result.stderr)
        if not victim.exists():
            lost.append(command)
    assert lost == []


@pytest.mark.parametrize("target", ["{data}/mailconfd.db", "data/mailconfd.db", "second.db"])
def test_a_database_that_is_a_link_is_not_recovered_as_root(service, private, target):
    """SQLite follows it, and looks for the journal beside the file that it leads to."""
    database = service.settings["database"]["file"]
    content = database.read_bytes()
    victim = private / "victim"
    victim.write_text("precious")
    link = service.directory / "mailconfd.db"
    link.symlink_to(target.format(data=database.parent))
    (service.directory / "second.db").symlink_to(database)
    service.settings["database"]["file"] = link
    service.write_settings()
    for command in (["mailconfctl", "--config", service.config, "user", "add", "second@example.org", "b4711"],
                    ["mailconfctl", "--config", service.config, "init"],
                    ["mailconfd", "--config", service.config, "--check-config"]):
        plant_journal(database, content, victim)
        subprocess.run([service.build / "src" / command[0], *command[1:]], check=False, capture_output=True,
                       timeout=PATIENCE)
        assert victim.exists(), command
    link.unlink()
    link.symlink_to(link)
    result = service.ctl("user", "list", check=False)
    assert result.returncode == 1 and "Too many levels of symbolic links" in result.stderr


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
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_schema SET sql = replace(sql, 'is_enabled INTEGER NOT NULL', 'is_enabled INTEGER')")
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("INSERT INTO domain (name, provider, is_enabled) VALUES ('null.example', 1, NULL)")
    service.ctl("provider", "add", "good", "imaps://imap.example.net")
    service.ctl("domain", "add", "example.net", "--provider", "good")
    result = service.ctl("certificate", "list", "--json")
    assert [entry["domain"] for entry in json.loads(result.stdout)["domains"]] == []
    assert "are left out as invalid" in result.stderr
    service.add_certificate("main", "unrelated.example")
    result = service.ctl("certificate", "list", "--json")
    assert [entry["domain"] for entry in json.loads(result.stdout)["domains"]] == ["example.net"]


def test_certificates_that_only_root_can_read_are_problems(service):
    certificates = service.directory / "certificates"
    for pair in "pair", "hidden":
        service.add_certificate(pair, f"{pair}.example")
        (certificates / pair).mkdir()
        (certificates / f"{pair}.pem").rename(certificates / pair / "fullchain.pem")
    service.add_certificate("private", "private.example")
    key = certificates / "pair" / "privkey.pem"
    whole = (certificates / "pair" / "fullchain.pem").read_text()
    begin = whole.index("-----BEGIN PRIVATE KEY"), whole.index("-----END PRIVATE KEY")
    end = whole.index("\n", begin[1]) + 1
    key.write_text(whole[begin[0]:end])
    (certificates / "pair" / "fullchain.pem").write_text(whole[:begin[0]] + whole[end:])
    key.chmod(0o600)
    (certificates / "private.pem").chmod(0o600)
    for pair in "pair", "hidden":
        (certificates / pair / "fullchain.pem").chmod(0o644)
    (certificates / "hidden").chmod(0o700)
    service.settings["tls"]["certificates"] = f"{certificates}/*.pem {certificates}/pair/ {certificates}/hidden/"
    service.setup(["domain", "add", "private.example", *SERVICES])
    found = json.loads(service.ctl("certificate", "list", "--json").stdout)
    problems = {entry["file"]: entry.get("problem") for entry in found["certificates"]}
    text = "cannot read '{}' as user 'nobody': Permission denied; give the daemon's user read permission"
    assert problems == {
        str(certificates / "main.pem"): None,
        str(certificates / "hidden" / "fullchain.pem"): text.format(certificates / "hidden" / "fullchain.pem"),
        str(certificates / "pair" / "fullchain.pem"): text.format(key),
        str(certificates / "private.pem"): text.format(certificates / "private.pem"),
    }
    # They cover nothing.
    assert "private.example" in [gap["domain"] for gap in found["domains"]]


@pytest.mark.parametrize("umask", ["077", "000"])
def test_files_belong_to_the_owner_of_the_directory(service, umask):
    """With mode 0640, so that the daemon's group can read them, regardless of the creating user and umask."""
    database = service.settings["database"]["file"]
    database.unlink()
    command = ["sh", "-c", f'umask {umask} && exec "$@"', "sh", service.build / "src" / "mailconfctl", "--config",
               service.config]
    subprocess.run([*command, "init"], check=True, capture_output=True)
    # Another connection, so that the last one does not remove them.
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("SELECT * FROM domain").fetchall()
        for name in "-wal", "-shm":
            database.with_name(database.name + name).unlink()
    reader = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    subprocess.run([*command, "batch", "-"], check=True, capture_output=True, text=True,
                   input="domain add example.org imaps://imap.example.org\n")
    with contextlib.closing(reader):
        reader.execute("SELECT * FROM domain").fetchall()
        assert described(database.parent) == {
            database.name + end: ("nobody", NOBODY.pw_gid, 0o640) for end in ("", "-wal", "-shm")}


def described(directory):
    return {file.name: (file.owner(), file.stat().st_gid, stat.S_IMODE(file.stat().st_mode))
            for file in directory.iterdir()}


def test_files_of_the_command_line_are_roots(service, private):
    """Those to be read may be root's alone, and those to be written become root's alone."""
    for command, words in arguments(service, private).items():
        if command not in ("provider import", "domain import", "user import", "batch", "import automx2", "apply",
                           "restore"):
            continue
        for file in private.iterdir():
            file.chmod(0o600)
        service.ctl(*command.split(), *words, *(["--max-removals", "9"] if command == "apply" else []))
    for command in "backup", "export":
        (private / "copy").unlink(missing_ok=True)
        service.ctl(command, str(private / "copy"))
        assert described(private)["copy"] == ("root", 0, 0o600)
        refused = service.ctl(command, str(private / "copy"), check=False)
        assert refused.returncode == 1 and "exists already" in refused.stderr
        service.ctl(command, str(private / "copy"), "--force")
        assert described(private)["copy"] == ("root", 0, 0o600)
    assert not [name for name in described(private) if name.startswith(".")]
    assert service.ctl("--database", str(private / "copy"), "user", "list", check=False).returncode == 1


def test_a_backup_that_lacks_its_log_is_refused(service, private):
    """The database's owner cannot see the log beside it."""
    copy = private / "copy.db"
    service.ctl("backup", str(copy))
    with contextlib.closing(sqlite3.connect(copy)) as database:
        database.execute("UPDATE user SET login = 'later'")
        database.commit()
        refused = service.ctl("restore", str(copy), check=False)
    assert refused.returncode == 1 and f"'{copy}' lacks the changes in '{copy}-wal'" in refused.stderr


def test_an_output_takes_the_place_of_a_link(service, private):
    """Also of one into the directory of the database."""
    data = service.settings["database"]["file"].parent
    for command in "backup", "export":
        copy = private / command
        copy.symlink_to(data / "elsewhere")
        service.ctl(command, str(copy), "--force")
        assert not copy.is_symlink() and described(private)[command] == ("root", 0, 0o600)
    assert not (data / "elsewhere").exists()


def test_an_unfinished_output_is_removed(service, private):
    """Although the process that writes it may not."""
    service.settings["database"]["file"].write_bytes(b"not a database" * 100)
    for command in "backup", "export":
        assert service.ctl(command, str(private / "copy"), check=False).returncode == 1
        assert described(private) == {}


def test_an_output_in_the_directory_of_the_database_is_its_owners(service):
    copy = service.settings["database"]["file"].with_name("copy")
    service.ctl("backup", str(copy))
    assert described(copy.parent)["copy"] == ("nobody", NOBODY.pw_gid, 0o600)


def test_inputs_in_the_directory_of_the_database_are_opened_as_its_owner(service, private, web, monkeypatch):
    """A link there must not make root read what its owner cannot."""
    monkeypatch.setenv("no_proxy", "*")
    place = service.settings["database"]["file"].parent
    service.ctl("backup", str(place / "copy.db"))
    service.ctl("restore", str(place / "copy.db"))
    for command, words in arguments(service, private).items():
        if command not in ("provider import", "domain import", "user import", "batch", "apply", "restore"):
            continue
        secret = pathlib.Path(words[0])
        secret.chmod(0o600)
        link = place / secret.name
        link.symlink_to(secret)
        result = service.ctl(*command.split(), str(link), *words[1:], check=False)
        assert result.returncode == 1 and f"cannot read '{link}': Permission denied" in result.stderr, command
        link.unlink()
    authority = private / "ca.pem"
    authority.write_bytes(service.authority.file.read_bytes())
    authority.chmod(0o600)
    (place / "ca.pem").symlink_to(authority)
    assert service.ctl("provider", "import", web.url("/config"), "--ca", str(place / "ca.pem"), check=False).returncode == 1
    authority.chmod(0o644)
    private.chmod(0o755)
    service.ctl("provider", "import", web.url("/config"), "--ca", str(place / "ca.pem"))


def test_files_that_a_batch_names_are_opened_as_the_owner(service, private):
    (private / "config.xml").write_text(AUTOCONFIG)
    (private / "commands").write_text(f"provider import {private / 'config.xml'}\n")
    result = service.ctl("batch", str(private / "commands"), check=False)
    assert result.returncode == 1 and "Permission denied" in result.stderr
    public = service.directory / "config.xml"
    public.write_text(AUTOCONFIG)
    public.chmod(0o644)
    (private / "commands").write_text(f"provider import {public}\n")
    service.ctl("batch", str(private / "commands"))


def test_authorities_that_only_root_can_read(service, private, web, monkeypatch):
    """An option that names a file is read before the change of user, too."""
    monkeypatch.setenv("no_proxy", "*")
    authority = private / "ca.pem"
    authority.write_bytes(service.authority.file.read_bytes())
    authority.chmod(0o600)
    service.ctl("provider", "import", web.url("/config"), "--ca", str(authority))
    result = service.ctl("provider", "import", web.url("/config"), "--ca", str(private / "none"), check=False)
    assert result.returncode == 1 and f"cannot read '{private / 'none'}'" in result.stderr
    result = service.ctl("doctor", "example.org", "--ca", str(authority), "--connect", f"127.0.0.1:{service.port}",
                         "--resolver", "127.0.0.1:9", check=False)
    assert "ca.pem" not in result.stderr and "/proc/self" not in result.stderr


def test_a_database_of_another_program_is_read_as_its_owner(service, private):
    """SQLite recovers it, if it must, without root's rights."""
    place = service.directory / "automx2"
    place.mkdir()
    automx2(place / "automx2.db")
    victim = private / "victim"
    victim.write_text("precious")
    plant_journal(place / "automx2.db", (place / "automx2.db").read_bytes(), victim)
    os.chown(place, NOBODY.pw_uid, NOBODY.pw_gid)
    service.ctl("import", "automx2", str(place / "automx2.db"), check=False)
    assert victim.exists()


def test_a_directory_of_roots_in_which_others_can_write(service):
    """Nobody's rights would be the right ones."""
    shared = service.directory / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    service.settings["database"]["file"] = shared / "mailconfd.db"
    for words in ["init"], ["user", "list"], ["certificate", "list"]:
        result = service.ctl(*words, check=False)
        assert result.returncode in (1, 2) and "another user can write in it" in result.stderr
    result = subprocess.run(service.command("--check-config"), capture_output=True, text=True, check=False)
    assert result.returncode != 0 and "another user can write in it" in result.stderr
    assert list(shared.iterdir()) == []


def test_a_challenge_directory_of_another_user_is_reported(service):
    """As the default was, before upgrades that leave the settings file as it is."""
    def warnings():
        service.write_settings()
        result = subprocess.run(service.command("--check-config"), capture_output=True, text=True, check=False)
        return [line for line in result.stderr.splitlines() if "[acme] directory" in line]
    assert warnings() == []
    service.settings["acme"] = {"directory": service.directory / "data" / "acme" / ".well-known" / "acme-challenge"}
    assert len(warnings()) == 1
    service.settings["acme"] = {"directory": service.directory / "acme" / ".well-known" / "acme-challenge"}
    assert warnings() == []


def test_a_mistyped_database_is_not_created(service):
    wrong = service.directory / "data" / "mailconfd.bd"
    for words in (["user", "add", "first.last@example.org", "a4711"], ["domain", "add", "example.net", *SERVICES],
                  ["batch", "/dev/null"], ["user", "list"], ["certificate", "list"], ["backup", "/dev/null/x"]):
        result = service.ctl("--database", str(wrong), *words, check=False)
        assert result.returncode == 1 and not wrong.exists(), (words, result.stderr)
    assert f"database '{wrong}' does not exist\nhint: create it with 'mailconfctl init'" in service.ctl(
        "--database", str(wrong), "user", "add", "first.last@example.org", "a4711", check=False).stderr
    service.ctl("--database", str(wrong), "init")
    assert wrong.owner() == "nobody"


@pytest.fixture
def as_user(service):
    """Runs mailconfctl as a user of no importance, in a group."""
    program = shutil.copy(service.build / "src" / "mailconfctl", service.directory)
    service.write_settings()

    def run(group, *words):
        return subprocess.run(
            ["setpriv", "--reuid", "4711", "--regid", str(group), "--clear-groups", program, "--config", service.config,
             *words], capture_output=True, text=True, check=False, timeout=PATIENCE)
    return run


def test_other_users_are_told_what_they_need(service, as_user):
    group = grp.getgrgid(NOBODY.pw_gid).gr_name
    reading = f"Permission denied\nhint: run the command with sudo, or as a member of the group '{group}'"
    writing = "Permission denied\nhint: run the command with sudo, or as user 'nobody'"
    for words, remedy in ((["user", "list"], reading), (["certificate", "list"], reading), (["export"], reading),
                          (["user", "add", "a@example.org", "b"], writing), (["init"], writing)):
        result = as_user(4711, *words)
        assert result.returncode == 1 and remedy in result.stderr, result.stderr
    # Members of the group can read while the daemon runs, and not write.
    service.options = ("--user", "nobody")
    service.start()
    result = as_user(NOBODY.pw_gid, "user", "list")
    assert result.returncode == 0 and "a4711" in result.stdout, result.stderr
    result = as_user(NOBODY.pw_gid, "user", "add", "a@example.org", "b")
    assert result.returncode == 1 and writing in result.stderr, result.stderr


SWAP = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Another user is as fast as can be: the name leads elsewhere as soon as the socket has it. */
int bind(int fd, const struct sockaddr *address, socklen_t length)
{
	int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "bind");
	const char *path = ((const struct sockaddr_un *)address)->sun_path;
	int r = real(fd, address, length);

	if (r == 0 && address->sa_family == AF_UNIX)
		return unlink(path) < 0 || symlink(getenv("VICTIM"), path) < 0 ? -1 : 0;
	return r;
}
"""


@pytest.mark.skipif(not shutil.which("cc"), reason="the attacker is compiled")
@pytest.mark.skipif(os.environ.get("MAILCONFD_MODE") == "valgrind", reason="the attacker is preloaded")
def test_a_socket_that_is_replaced_changes_no_mode(service, private):
    victim = private / "victim"
    victim.touch(mode=0o600)
    source = private / "swap.c"
    source.write_text(SWAP)
    attacker = service.directory / "swap.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", attacker, source, "-ldl"], check=True)
    if b"__asan" in (service.build / "src" / "mailconfd").read_bytes():
        pytest.skip("a sanitizer has to be preloaded first")
    path = service.settings["database"]["file"].with_name("proxy.socket")
    service.settings["server"]["behind-proxy"] = f"unix:{path}"
    service.write_settings()
    process = subprocess.Popen(service.command("--user", "nobody"), stderr=subprocess.PIPE, text=True,
                               env={**os.environ, "LD_PRELOAD": str(attacker), "VICTIM": str(victim)})
    for line in process.stderr:
        if "ready: " in line:
            break
    was_attacked = path.is_symlink()
    process.terminate()
    process.communicate(timeout=PATIENCE)
    assert was_attacked
    assert stat.S_IMODE(victim.stat().st_mode) == 0o600


@pytest.mark.parametrize("umask", [0o077, 0o000])
def test_a_socket_belongs_to_the_owner_of_its_directory(service, umask):
    path = service.settings["database"]["file"].with_name("proxy.socket")
    service.settings["server"]["behind-proxy"] = f"unix:{path}"
    service.options = ("--user", "nobody")
    before = os.umask(umask)
    try:
        service.start()
    finally:
        os.umask(before)
    assert described(path.parent)[path.name] == ("nobody", NOBODY.pw_gid, 0o660)
    service.stop()
    assert not path.exists()
    # One that a killed process left behind is replaced.
    service.start()
    service.process.kill()
    service.process.wait()
    service.start()
    service.stop()


def test_no_socket_is_removed_or_created_where_a_link_leads(service, private):
    stale = private / "proxy.socket"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(stale))
    place = service.settings["database"]["file"].with_name("sub")
    place.symlink_to(private)
    inode = stale.stat().st_ino
    service.settings["server"]["behind-proxy"] = f"unix:{place}/proxy.socket"
    service.options = ("--user", "nobody")
    service.spawn()
    service.wait_for_log("Permission denied")
    service.process.terminate()
    service.process.wait(timeout=PATIENCE)
    service.process = None
    assert stale.stat().st_ino == inode
