"""The Debian package, as a new admin meets it: built, installed, started, upgraded, removed, purged.
The tests build on each other, in the order of the file."""
import re
import shutil
import stat
import subprocess
import threading
import time

import pytest

from conftest import ADDRESS, PATIENCE, ROOT, inside, run
from hardening import missing_flags, weaknesses

CONFIG = "/mail/config-v1.1.xml"
HOST = "autoconfig.harbour.example"
CERTIFICATE = "/etc/mailconfd/certificates/harbour.example.pem"
TIMER = "mailconfd-renew.timer"


def test_lintian_finds_nothing(package):
    """As the build's own user would run it, but root is all there is here."""
    out = inside(package.directory, "sh", "-c",
                 "lintian --allow-root --fail-on error,warning --display-info /build/*.changes", check=False)
    assert out.returncode == 0, out.stdout
    assert not re.search(r"^[EW]: ", out.stdout, re.MULTILINE), out.stdout


def test_unit_tests_ran_in_the_build(package):
    assert re.search(r"^Ok: +[1-9]\d", package.output, re.MULTILINE)
    assert re.search(r"^Fail: +0", package.output, re.MULTILINE)


def test_programs_are_hardened(package, tmp_path):
    run("dpkg-deb", "--extract", package.file, tmp_path)
    for program in "sbin/mailconfd", "bin/mailconfctl":
        assert weaknesses(tmp_path / "usr" / program) == []
    commands = [line for line in package.output.splitlines() if re.search(r" -c \.\./src/", line)]
    assert commands
    for command in commands:
        assert missing_flags(command, 3) == [], command


def leftovers(tree):
    """What is called after us, but for the packages' own books."""
    return subprocess.run(
        ["find", "etc", "usr", "var/lib", "-path", "var/lib/apt", "-prune", "-o", "-path", "var/lib/systemd",
         "-prune", "-o", "-name", "*mailconf*", "-print"],
        cwd=tree, text=True, capture_output=True, check=True).stdout


DATABASE = "/var/lib/mailconfd/mailconfd.db"
SETTINGS = "/etc/mailconfd/mailconfd.conf"


def test_lives_where_systemd_does_not_run(tree):
    """As in a chroot or a container: all that a package does but the service."""
    def apt(*arguments):
        return inside(tree, "apt-get", "-y", *arguments).stdout

    def ctl(*arguments):
        return inside(tree, "mailconfctl", *arguments).stdout

    apt("install", "/root/mailconfd.deb")
    assert inside(tree, "dpkg", "--audit").stdout == ""
    assert inside(tree, "stat", "-c", "%U %G %a", "/var/lib/mailconfd").stdout == "mailconfd mailconfd 750\n"
    ctl("domain", "add", "harbour.example", "imaps://mail.harbour.example")
    log = inside(tree, "timeout", "--preserve-status", "3", "mailconfd", "--user", "mailconfd",
                 network=False).stdout
    assert "ready: " in log and "sandbox: user=mailconfd" in log
    with open(tree / SETTINGS[1:], "a", encoding="utf-8") as settings:
        settings.write("# changed by the admin\n")
    apt("install", "/root/next.deb")
    assert "9.9.9" in inside(tree, "dpkg-query", "--show", "mailconfd").stdout
    assert "harbour.example" in ctl("domain", "list")
    apt("remove", "mailconfd")
    assert (tree / DATABASE[1:]).exists()
    assert "changed by the admin" in (tree / SETTINGS[1:]).read_text()
    apt("purge", "mailconfd")
    assert leftovers(tree) == ""


def install(machine, file):
    return machine.run("apt-get", "install", "-y", file)


def state(machine):
    return machine.run("systemctl", "show", "--property=ActiveState,SubState,MainPID,NRestarts,StatusText",
                       "mailconfd").stdout


def pid(machine):
    return re.search(r"^MainPID=(\d+)", state(machine), re.MULTILINE).group(1)


def journal(machine):
    return machine.run("journalctl", "--unit=mailconfd", "--no-pager", "--output=cat").stdout


@pytest.mark.ci
def test_installs(machine):
    """apt-get has no terminal, so a question would be an error."""
    install(machine, "/root/mailconfd.deb")
    assert machine.run("systemctl", "is-enabled", "mailconfd", check=False).stdout.strip() == "disabled"
    assert "ActiveState=inactive" in state(machine)
    for directory, owner in (("var/lib/mailconfd", "mailconfd mailconfd"),
                             ("etc/mailconfd/certificates", "root mailconfd")):
        assert machine.run("stat", "-c", "%U %G %a", f"/{directory}").stdout.strip() == f"{owner} 750"
    settings = (machine.directory / SETTINGS[1:]).stat()
    assert stat.S_IMODE(settings.st_mode) == 0o644
    assert machine.run("mailconfd", "--version").stdout.startswith("mailconfd ")
    assert machine.run("dpkg", "--audit").stdout == ""


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    directory = tmp_path_factory.mktemp("authority")
    run(ROOT / "tests/certs/make.sh", directory, "ca")
    run(ROOT / "tests/certs/make.sh", directory, "cert", "harbour.pem", HOST, "autodiscover.harbour.example")
    return directory


def ask(machine, authority, *arguments, check=True):
    return machine.curl("--cacert", authority / "ca.pem", "--resolve", f"{HOST}:443:127.0.0.1", "--fail",
                        *arguments, f"https://{HOST}{CONFIG}", check=check)


@pytest.mark.ci
def test_starts(machine, authority):
    """As README says it: a certificate, a domain, a check, and systemctl."""
    (machine.directory / "root/harbour.pem").write_bytes((authority / "harbour.pem").read_bytes())
    machine.run("install", "-g", "mailconfd", "-m", "640", "/root/harbour.pem", CERTIFICATE)
    machine.run("mailconfctl", "domain", "add", "harbour.example", "imaps://mail.harbour.example",
                "submissions://mail.harbour.example")
    assert machine.run("stat", "-c", "%U", DATABASE).stdout.strip() == "mailconfd"
    assert "load, as user mailconfd." in machine.run("mailconfd", "--check-config").stdout
    machine.run("systemctl", "enable", "--now", "mailconfd")
    assert "ActiveState=active" in state(machine) and "StatusText=serving 1 certificate" in state(machine)
    assert "mail.harbour.example" in ask(machine, authority).stdout
    log = journal(machine)
    assert re.search(r"^sandbox: user=mailconfd landlock=\S+ seccomp=yes core-dumps=no$", log, re.MULTILINE)
    assert "error" not in log and "warning" not in log


def with_value(settings, section, key, value):
    """The settings with a value for a key that has none."""
    changed, count = re.subn(rf"(?ms)(^\[{section}\]$(?:(?!^\[\w).)*?^{key} =)$", rf"\1 {value}", settings)
    assert count == 1, f"[{section}] {key}"
    return changed


def test_hidden_paths_are_named(machine):
    """The unit's own confinement, before the start and at it; and the drop-in that the warning has opens it."""
    settings = machine.directory / SETTINGS[1:]
    before = settings.read_text()
    for directory in "root/templates", "etc/systemd/system/mailconfd.service.d":
        (machine.directory / directory).mkdir()
    settings.write_text(with_value(before, "templates", "directory", "/root/templates"))
    warning = "'/root/templates', which the unit hides with ProtectHome="
    assert warning in machine.run("mailconfd", "--check-config", check=False).stdout
    machine.run("systemctl", "restart", "mailconfd")
    assert journal(machine).count(warning) == 1
    drop_in = machine.directory / "etc/systemd/system/mailconfd.service.d/open.conf"
    drop_in.write_text("[Service]\nProtectHome=tmpfs\nBindReadOnlyPaths=/root/templates\n")
    machine.run("systemctl", "daemon-reload")
    assert warning not in machine.run("mailconfd", "--check-config", check=False).stdout
    machine.run("systemctl", "restart", "mailconfd")
    assert journal(machine).count(warning) == 1
    settings.write_text(before)
    shutil.rmtree(drop_in.parent)
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", "mailconfd")


def waited_for(condition):
    """What it comes to in the end."""
    deadline = time.monotonic() + PATIENCE
    while not (result := condition()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return result


def test_reloads(machine):
    before = pid(machine)
    machine.run("systemctl", "reload", "mailconfd")
    assert waited_for(lambda: "reloaded" in journal(machine))
    assert pid(machine) == before


def test_admins_changes_are_seen(machine, authority):
    machine.run("mailconfctl", "provider", "set", "harbour.example", "--display-name", "Harbour Mail")
    time.sleep(0.2)
    assert "Harbour Mail" in ask(machine, authority).stdout


ISLE = "autoconfig.isle.example", "autodiscover.isle.example"
OFTEN = "[Timer]\nOnCalendar=*:*:0/5\nRandomizedDelaySec=0\nAccuracySec=1s\n"


def serial(machine, authority, name):
    """That of the certificate that is served for the name, if a client would trust it; or None."""
    command = f"openssl s_client -connect {ADDRESS}:443 -servername {name} -verify_hostname {name} " \
              f"-verify_return_error -CAfile {authority}/root.pem | openssl x509 -noout -serial"
    out = run("nsenter", f"--target={machine.leader}", "--net", "sh", "-c", command, check=False).stdout
    found = re.search(r"^serial=(\w+)$", out, re.MULTILINE)
    return found and found.group(1)


def test_certificate_is_requested_and_renewed(machine, authority):
    """As README says it, of an authority of the network's own; and by the timer, which only has to
    come more often, for what is good for half a minute is due after twenty seconds.
    """
    settings = machine.directory / SETTINGS[1:]
    text = with_value(settings.read_text(), "server", "public-name", ISLE[0])
    settings.write_text(with_value(text, "server", "listen-http", "[::]:80"))
    machine.run("systemctl", "restart", "mailconfd")
    server = machine.join_network(authority, ISLE, validity=30)
    machine.run("mailconfctl", "domain", "add", "isle.example", "imaps://mail.isle.example")
    drop_in = machine.directory / f"etc/systemd/system/{TIMER}.d/often.conf"
    drop_in.parent.mkdir()
    drop_in.write_text(OFTEN)
    machine.run("systemctl", "daemon-reload")
    before = pid(machine)

    out = machine.run("mailconfctl", "certificate", "request", "isle.example", "--accept-terms",
                      "--server", server).stdout
    assert f"isle.example: new certificate for {', '.join(ISLE)}; valid until " in out
    first = waited_for(lambda: serial(machine, authority, ISLE[0]))
    machine.run("systemctl", "enable", "--now", TIMER)
    second = waited_for(lambda: serial(machine, authority, ISLE[1]) not in (None, first))
    machine.run("systemctl", "disable", "--now", TIMER)
    log = machine.run("journalctl", "--unit=mailconfd-renew", "--no-pager", "--output=cat").stdout
    assert first and second and "isle.example: new certificate for " in log, log
    assert pid(machine) == before
    assert "LimitCORE=0\n" in machine.run("systemctl", "show", "mailconfd-renew").stdout
    shutil.rmtree(drop_in.parent)
    machine.run("systemctl", "daemon-reload")


def test_upgrade_keeps_data_and_restarts(machine, authority):
    """The settings too, which the admin has changed."""
    with open(machine.directory / SETTINGS[1:], "a", encoding="utf-8") as settings:
        settings.write("\n# changed by the admin\n")
    machine.run("systemctl", "enable", "--now", TIMER)
    before = pid(machine)
    install(machine, "/root/next.deb")
    assert "9.9.9" in machine.run("dpkg-query", "--show", "mailconfd").stdout
    assert pid(machine) not in ("0", before)
    assert "Harbour Mail" in ask(machine, authority).stdout
    assert "changed by the admin" in (machine.directory / SETTINGS[1:]).read_text()
    assert "NRestarts=0" in state(machine)
    assert machine.run("systemctl", "is-active", TIMER, check=False).stdout.strip() == "active"


def test_a_hang_is_ended_and_started_anew(machine, authority):
    """A stopped process answers nobody, and no ping of it reaches systemd."""
    before = pid(machine)
    assert before != "0"
    machine.run("kill", "-STOP", before)
    assert waited_for(lambda: pid(machine) not in ("0", before))
    assert "Watchdog timeout" in journal(machine)
    time.sleep(1)
    assert "Harbour Mail" in ask(machine, authority, "--retry", "20", "--retry-connrefused").stdout


def test_restart_with_the_socket_refuses_nobody(machine, authority):
    machine.run("systemctl", "stop", "mailconfd")
    machine.run("systemctl", "enable", "--now", "mailconfd.socket")
    machine.run("systemctl", "start", "mailconfd")
    assert "listening on https://[::]:443, handed over" in journal(machine)
    must_stop, failures, answers = threading.Event(), [], []

    def client():
        while not must_stop.is_set():
            result = ask(machine, authority, check=False)
            (answers if result.returncode == 0 else failures).append(result.stdout)

    clients = [threading.Thread(target=client) for _ in range(3)]
    for thread in clients:
        thread.start()
    for _ in range(3):
        count = len(answers)
        machine.run("systemctl", "restart", "mailconfd")
        deadline = time.monotonic() + 60
        while len(answers) < count + 5 and time.monotonic() < deadline:
            time.sleep(0.1)
    must_stop.set()
    for thread in clients:
        thread.join()
    assert not failures
    assert len(answers) > 15


def test_removal_keeps_data(machine):
    machine.run("apt-get", "remove", "-y", "mailconfd")
    states = machine.run("systemctl", "is-active", "mailconfd", "mailconfd.socket", TIMER, check=False)
    assert states.stdout.split() == ["inactive"] * 3
    for file in DATABASE, SETTINGS, CERTIFICATE:
        assert (machine.directory / file[1:]).exists()


def test_purge_leaves_nothing(machine):
    machine.run("apt-get", "purge", "-y", "mailconfd")
    assert leftovers(machine.directory) == ""
