"""Certificates by ACME: the real protocol, against pebble, from none to one that is renewed."""
import fcntl
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import ssl
import subprocess
import tempfile
import threading
import time

import pytest

from acme import ELSEWHERE, acme, ctl, file_of, names_in, renew, request, serial_in, served, trusting  # pylint: disable=unused-import
from daemon import PATIENCE

pytestmark = pytest.mark.engines

CONFIG = "/mail/config-v1.1.xml"


def wait_until_served(daemon, acme, name, serial):
    context = trusting(acme)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            connection = daemon.connect(name, context)
            try:
                if connection.socket.getpeercert()["serialNumber"].lstrip("0") == serial.lstrip("0"):
                    return
            finally:
                connection.close()
        except ssl.SSLError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"{name} is not served with {serial}:\n{daemon.log()}")


@pytest.mark.ci
def test_from_none_to_renewed(served, acme):
    """The whole way: no certificate, request, served by SNI, renewed, swapped under load."""
    served.start()
    assert "NO CLIENT WILL TRUST THIS SERVER" in served.log()
    result = request(served, acme, "example.org")
    assert (result.returncode, result.stderr) == (0, ""), result.stderr
    assert result.stdout.startswith(
        "example.org: new certificate for autoconfig.example.org, autodiscover.example.org; valid until 20")
    file = file_of(served, "example.org")
    assert names_in(file) == ["autoconfig.example.org", "autodiscover.example.org"]
    assert file.stat().st_mode & 0o777 == 0o640 and file.stat().st_gid == file.parent.stat().st_gid
    first = serial_in(file)
    wait_until_served(served, acme, "autoconfig.example.org", first)
    assert not list((served.directory / "acme" / "challenges").iterdir()), "challenges are taken away"

    assert request(served, acme, "example.org").stdout.startswith("example.org: has a certificate for autoconfig.")
    assert renew(served, acme).stdout == ""
    assert serial_in(file) == first

    failures, asked, must_stop = [], [0], threading.Event()
    context = trusting(acme)

    def client(keeps):
        connection = None
        while not must_stop.is_set():
            try:
                connection = connection or served.connect("autoconfig.example.org", context)
                ask = f"GET {CONFIG} HTTP/1.1\r\nHost: autoconfig.example.org\r\n\r\n".encode()
                assert connection.ask(ask).status == 200
                asked[0] += 1
                if not keeps:
                    connection.close()
                    connection = None
            except Exception as failure:
                failures.append(failure)
                return

    clients = [threading.Thread(target=client, args=(i % 2 == 0,)) for i in range(4)]
    for thread in clients:
        thread.start()
    try:
        result = renew(served, acme, "--days", "100")
        assert result.returncode == 0, result.stderr
        assert result.stdout.startswith("example.org: new certificate for autoconfig.example.org")
        second = serial_in(file)
        assert second != first
        wait_until_served(served, acme, "autoconfig.example.org", second)
    finally:
        must_stop.set()
        for thread in clients:
            thread.join(PATIENCE)
    assert not failures and asked[0] > 20


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user")
@pytest.mark.parametrize("group", [65534, 0])
def test_as_it_is_installed(served, acme, group):
    """The daemon is a user of its own and root runs the tool, with an umask that hides everything; the directory of
    certificates may have been made without a thought of groups."""
    nobody = 65534
    with tempfile.TemporaryDirectory(prefix="mailconfd-test-") as name:
        place = pathlib.Path(name)
        certificates, state = place / "certificates", place / "state"
        place.chmod(0o755)
        certificates.mkdir()
        certificates.chmod(0o750 if group else 0o755)
        state.mkdir()
        state.chmod(0o750)
        os.chown(certificates, 0, group)
        os.chown(state, nobody, nobody)
        served.settings["tls"]["certificates"] = certificates / "*.pem"
        served.settings["database"]["file"] = state / "mailconfd.db"
        served.settings["acme"]["directory"] = place / "acme" / ".well-known" / "acme-challenge"
        served.setup(["domain", "add", "example.org", "imaps://imap.example.org"])
        settings = place / "mailconfd.conf"
        settings.write_bytes(served.config.read_bytes())
        settings.chmod(0o644)
        as_nobody = ["setpriv", f"--reuid={nobody}", f"--regid={nobody}", "--clear-groups"]
        daemon = served.build / "src" / "mailconfd"
        with open(served.log_file, "ab") as log:
            served.process = subprocess.Popen([*as_nobody, daemon, "--config", settings], stderr=log)
        try:
            served.wait_for_log("ready: ")
            before = os.umask(0o077)
            try:
                result = request(served, acme, "example.org")
            finally:
                os.umask(before)
            assert result.returncode == 0, result.stderr
            file = certificates / "example.org.pem"
            assert (file.stat().st_mode & 0o777, file.stat().st_uid, file.stat().st_gid) == (0o640, 0, nobody)
            wait_until_served(served, acme, "autoconfig.example.org", serial_in(file))
        finally:
            served.stop()


def test_key_is_kept_and_hidden(served, acme):
    served.start()
    assert request(served, acme, "example.org").returncode == 0
    file = file_of(served, "example.org")
    key = file.read_text().partition("-----BEGIN ")[2].rpartition("-----BEGIN ")[2]
    assert renew(served, acme, "--days", "100").returncode == 0
    assert key in file.read_text(), "records of TLSA stay good"
    own = served.directory / "certificates" / ".acme"
    assert own.stat().st_mode & 0o777 == 0o700
    assert not [name for name in os.listdir(file.parent) if name not in (".acme", "example.org.pem")]


def test_names_that_lead_elsewhere(served, acme):
    """They are named and skipped; the domain itself is included if it resolves to this server."""
    served.start()
    result = request(served, acme, "example.com")
    assert result.returncode == 0
    assert names_in(file_of(served, "example.com")) == ["autoconfig.example.com", "example.com"]
    warnings = result.stderr.splitlines()
    assert len(warnings) == 2
    assert "example.com: autodiscover.example.com resolves to 127.0.0.2, which is not an address of this server; " \
           "it is left out" in warnings[0]
    assert "ua-auto-config.example.com has no address in DNS; it is left out" in warnings[1]
    # One address of several is enough, for the authority may take any.
    acme.set_names({"autodiscover.example.com": "127.0.0.1,2001:db8::1"})
    assert "autodiscover.example.com resolves to 2001:db8::1" in request(served, acme, "example.com").stderr
    # Later they resolve to this server.
    acme.set_names({"autodiscover.example.com": "127.0.0.1"})
    assert request(served, acme, "example.com").returncode == 0
    assert names_in(file_of(served, "example.com")) == ["autoconfig.example.com", "autodiscover.example.com", "example.com"]


def test_missing(served, acme):
    served.ctl("domain", "add", "covered.example", "--provider", "example.org")
    served.ctl("domain", "add", "off.example", "--provider", "example.org")
    served.ctl("domain", "disable", "off.example")
    served.ctl("domain", "add", "*.pattern.example", "--provider", "example.org")
    served.ctl("domain", "add", "away.example", "--provider", "example.org")
    served.add_certificate("other", "*.covered.example")
    served.start()
    result = ctl(served, acme, "--json", "certificate", "request", "--missing", "--server", acme.server, "--accept-terms")
    found = {entry["domain"]: entry for entry in json.loads(result.stdout)}
    assert {domain: entry["outcome"] for domain, entry in found.items()} == {
        "example.org": "requested", "example.com": "requested", "auto.example.net": "requested",
        "away.example": "elsewhere"}
    assert (result.returncode, result.stderr) == (0, "")
    assert found["example.org"]["names"] == ["autoconfig.example.org", "autodiscover.example.org"]
    assert found["example.com"]["left_out"][0]["name"] == "autodiscover.example.com"
    assert found["auto.example.net"]["file"] == str(file_of(served, "auto.example.net"))
    assert not file_of(served, "covered.example").exists()
    # What is there already is left alone.
    before = {file.name: file.stat().st_mtime_ns for file in file_of(served, "x").parent.glob("*.pem")}
    again = json.loads(ctl(served, acme, "--json", "certificate", "request", "--missing", "--server", acme.server).stdout)
    assert {entry["domain"]: entry["outcome"] for entry in again} == {"example.com": "kept", "away.example": "elsewhere"}
    assert before == {file.name: file.stat().st_mtime_ns for file in file_of(served, "x").parent.glob("*.pem")}


def test_public_name_within_a_domain(served, acme):
    served.settings["server"]["public-name"] = "auto.example.org"
    acme.set_names({"auto.example.org": "127.0.0.1"})
    served.start()
    assert request(served, acme, "--missing").returncode == 0
    assert "auto.example.org" in names_in(file_of(served, "example.org"))
    assert not file_of(served, "auto.example.org").exists()


@pytest.mark.ci
def test_failure_is_said_and_rests(served, acme):
    """One that fails does not hold up others, is told in the authority's words, and not tried for ever."""
    served.start()
    result = request(served, acme, "example.com", "example.org", "--address", f"127.0.0.1,{ELSEWHERE}")
    assert result.returncode == 1
    assert "example.org: new certificate" in result.stdout
    lines = [line for line in result.stderr.splitlines() if "warning" not in line]
    assert lines[0].startswith("mailconfctl: example.com: ") and "autodiscover.example.com" in lines[0]
    assert lines[1] == "mailconfctl: 1 of 2 certificates could not be requested"
    assert len(lines) == 2 and len(lines[0]) < 500
    assert not file_of(served, "example.com").exists()

    missing = request(served, acme, "--missing", terms=())
    assert missing.returncode == 0
    assert "1 of 3 domains failed recently and are retried later; --verbose lists them\n" in missing.stdout
    missing = request(served, acme, "--missing", "--verbose", terms=())
    assert "example.com: failed recently and is retried later" in missing.stdout
    assert not file_of(served, "example.com").exists()
    own = served.directory / "certificates" / ".acme" / "failed-example.com"
    os.utime(own, (time.time() - 86400, time.time() - 86400))
    assert "example.com: new certificate" in request(served, acme, "--missing", terms=()).stdout
    assert not own.exists()


STAND_IN = """#!/bin/sh
# What a real authority says when it is asked too often; pebble has no limits.
echo "$*" >>"$LOG"
case "$5" in
--yes) [ -e "$(dirname "$SAYS")/forgets" ] && [ -e "$2/account" ] || exec mkdir -p "$2" ;;
*) [ ! -e "$(dirname "$SAYS")/forgets" ] || { echo "uacme: no account associated with the key" >&2; exit 1; } ;;
esac
echo 'uacme: the server reported the following error:' >&2
cat "$SAYS" >&2
exit 2
"""


def stand_in(served, acme, says, *words, forgets=False):
    """Runs 'certificate request' with a uacme that fails in this way, with forgets where the account is to be made
    again. Returns its end and what was asked of it."""
    programs = served.directory / "programs"
    programs.mkdir()
    (programs / "uacme").write_text(STAND_IN)
    (programs / "uacme").chmod(0o755)
    (programs / "says").write_bytes(says)
    if forgets:
        (programs / "forgets").touch()
    served.write_settings()
    result = subprocess.run(
        [served.build / "src" / "mailconfctl", "--config", served.config, "certificate", "request", *words,
         "--server", acme.server, "--resolver", acme.resolver, "--accept-terms"],
        env={"PATH": f"{programs}:{os.environ['PATH']}", "LOG": str(programs / "log"), "SAYS": str(programs / "says")},
        capture_output=True, text=True, check=False)
    return result, (programs / "log").read_text().splitlines()


def test_keys_are_in_no_core_dump(served, acme, tmp_path):
    """Its uacme ends it as a fault would."""
    (tmp_path / "uacme").write_text("#!/bin/sh\nkill -QUIT $PPID\n")
    (tmp_path / "uacme").chmod(0o755)
    served.start()
    limits = resource.getrlimit(resource.RLIMIT_CORE)

    def as_on_a_terminal():
        signal.signal(signal.SIGQUIT, signal.SIG_DFL)  # it is ignored where a shell runs us in the background
        resource.setrlimit(resource.RLIMIT_CORE, (limits[1], limits[1]))

    process = subprocess.Popen(
        [served.build / "src" / "mailconfctl", "--config", served.config, "certificate", "request", "example.org",
         "--server", acme.server, "--resolver", acme.resolver, "--accept-terms"], cwd=tmp_path,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}, preexec_fn=as_on_a_terminal)
    status = os.waitpid(process.pid, 0)[1]
    process.returncode = -3
    assert os.WTERMSIG(status) == signal.SIGQUIT and not os.WCOREDUMP(status)


def test_authority_that_wants_no_more(served, acme):
    """It is asked no more, and no domain has to rest for that."""
    served.start()
    problem = json.dumps({"type": "urn:ietf:params:acme:error:rateLimited", "detail": "too many certificates (50)",
                          "status": 429}, indent=4)
    result, asked = stand_in(served, acme, problem.encode(), "example.org", "example.com")
    assert result.returncode == 1 and result.stdout == ""
    assert result.stderr == ("mailconfctl: example.org: rate limit of the CA: "
                             "too many certificates (50) (rateLimited)\n"
                             "mailconfctl: 2 of 2 certificates could not be requested\n")
    assert len(asked) == 2 and " new" in asked[0] and asked[1].endswith("-- issue autoconfig.example.org autodiscover.example.org")
    assert not list((served.directory / "certificates" / ".acme").glob("failed-*"))


def test_authority_that_wants_no_more_accounts(served, acme):
    """It has forgotten ours, and is not asked again for each certificate."""
    served.start()
    problem = json.dumps({"type": "urn:ietf:params:acme:error:rateLimited", "detail": "too many accounts"})
    result, asked = stand_in(served, acme, problem.encode(), "example.org", "example.com", forgets=True)
    assert result.returncode == 1
    assert f"example.org: rate limit of the CA: cannot create an account at {acme.server}: " \
           "too many accounts (rateLimited)\n" in result.stderr
    assert [" new" in words for words in asked] == [True, False, True]
    assert not list((served.directory / "certificates" / ".acme").glob("failed-*"))


def test_what_a_program_says_is_shortened_and_escaped(served, acme):
    served.start()
    says = b"uacme: first\nuacme: \x1b[31mlast " + b"x" * 100000 + b"\n"
    result, _ = stand_in(served, acme, says, "example.org")
    assert result.returncode == 1
    line = result.stderr.splitlines()[0]
    assert line.startswith("mailconfctl: example.org: uacme failed: ") and "first; " in line
    assert "\x1b" not in result.stderr and len(line) < 600 and line.endswith("...")


def test_terms_must_be_accepted(served, acme):
    served.start()
    result = request(served, acme, "example.org", terms=())
    assert result.returncode == 1 and result.stdout == ""
    assert "the CA has terms of service: data:text/plain,Do%20what%20thou%20wilt" in result.stderr
    assert "--accept-terms" in result.stderr
    assert request(served, acme, "example.org", terms=("--accept-terms", "--email", "admin@example.org")).returncode == 0
    assert request(served, acme, "example.com", terms=()).returncode == 0, "they are accepted once"


def test_authority_cannot_be_reached(served, acme):
    served.start()
    acme.end(acme.pebble)
    result = request(served, acme, "example.org", "example.com")
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert lines[0].startswith(f"mailconfctl: example.org: cannot create an account at {acme.server}: uacme failed: ")
    assert lines[1:] == ["mailconfctl: 2 of 2 certificates could not be requested"], "it is said once"
    assert len(result.stderr) < 600
    result = ctl(served, acme, "--json", "certificate", "request", "example.org", "example.com", "--server", acme.server)
    told = json.loads(result.stdout)
    assert [entry["outcome"] for entry in told] == ["failed", "failed"] and told[0]["problem"] == told[1]["problem"]
    assert not list((served.directory / "certificates" / ".acme").glob("failed-*")), "no domain is to blame"


def test_authority_is_down_for_a_while(served, acme):
    """It has our account already. No domain pauses, so that the next run of the timer goes on where this one ended."""
    served.start()
    assert request(served, acme, "example.com").returncode == 0
    acme.end(acme.pebble)
    result = request(served, acme, "example.org", "example.com")
    assert result.returncode == 1 and result.stderr.count("mailconfctl: example.org: uacme failed: ") == 1
    assert not list((served.directory / "certificates" / ".acme").glob("failed-*"))


def test_one_of_two_authorities_gives_no_account(served, acme):
    """What came from the other is renewed all the same."""
    served.start()
    assert request(served, acme, "example.com", "example.org").returncode == 0
    away = "https://127.0.0.1:1/dir"
    file = file_of(served, "example.com")
    file.write_text(file.read_text().replace(acme.server, away, 1))
    before = serial_in(file_of(served, "example.org"))
    result = renew(served, acme, "--days", "100")
    assert result.returncode == 1
    assert f"example.com: cannot create an account at {away}: " in result.stderr
    assert result.stderr.endswith("mailconfctl: 1 of 2 certificates could not be requested\n")
    assert "example.org: new certificate for " in result.stdout
    assert serial_in(file_of(served, "example.org")) != before


def test_account_that_the_authority_has_forgotten(served, acme):
    """As a CA that was set up again: renewals run unattended, so that they cannot accept terms again."""
    served.start()
    assert request(served, acme, "example.org").returncode == 0
    before = serial_in(file_of(served, "example.org"))
    acme.end(acme.pebble)
    assert acme.run_pebble()
    result = renew(served, acme, "--days", "100")
    assert result.returncode == 0, result.stderr
    assert "example.org: new certificate for " in result.stdout and result.stderr == ""
    assert serial_in(file_of(served, "example.org")) != before


def test_plain_port_is_tried_first(served, acme):
    """Nobody is asked to validate what cannot be seen."""
    result = request(served, acme, "example.org")
    assert result.returncode == 1 and "cannot connect to the plain HTTP listener" in result.stderr
    assert "start mailconfd" in result.stderr and "restart it if the settings are newer" in result.stderr
    served.start()
    served.settings["acme"]["directory"] = served.directory / "elsewhere"
    result = request(served, acme, "example.org")
    assert result.returncode == 1 and "does not return a challenge" in result.stderr
    served.settings["server"]["listen-http"] = ""
    result = request(served, acme, "example.org")
    assert result.returncode == 2 and "listen-http is empty" in result.stderr
    assert "POST" not in acme.log(), "nobody has been bothered"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user")
def test_the_service_leads_root_nowhere(served, acme):
    """Root writes challenges and keys where nobody else can, not in the directory of the service."""
    state, target = served.directory / "acme", served.directory / "target"
    state.mkdir()
    os.chown(state, 65534, 65534)
    target.mkdir(mode=0o700)
    (state / "challenges").symlink_to(target)
    served.start()
    result = request(served, acme, "example.org")
    assert result.returncode == 2 and "cannot use [acme] directory" in result.stderr
    assert "set it to /var/lib/mailconfd-acme/.well-known/acme-challenge and restart mailconfd" in result.stderr
    assert target.stat().st_mode & 0o777 == 0o700
    (state / "challenges").unlink()
    result = request(served, acme, "example.org")
    assert result.returncode == 2 and "cannot use [acme] directory" in result.stderr
    os.chown(served.directory / "certificates", 65534, 65534)
    result = request(served, acme, "example.org")
    assert result.returncode == 2 and "another user can write in it" in result.stderr
    # One of root's below one of the service's can be renamed away.
    (state / "certificates").mkdir(mode=0o750)
    served.settings["tls"]["certificates"] = state / "certificates" / "*.pem"
    result = request(served, acme, "example.org")
    assert result.returncode == 2 and f"another user can write in '{state}'" in result.stderr
    assert "POST" not in acme.log() and not list(target.iterdir()) and not (state / "challenges").exists()


def test_renewal_is_careful(served, acme):
    served.start()
    assert request(served, acme, "example.org", "example.com").returncode == 0
    foreign = served.directory / "certificates" / "foreign.pem"
    served.add_certificate("foreign", "foreign.example", options=("--days", "3"))
    before = foreign.read_bytes()
    # A name that has moved is not dropped yet, a disabled domain is not renewed.
    acme.set_names({"autodiscover.example.org": "192.0.2.1"})
    served.ctl("domain", "disable", "example.com")
    result = renew(served, acme, "--days", "100")
    assert result.returncode == 0
    assert "example.org: autodiscover.example.org resolves to 192.0.2.1, which is not an address of this server; " \
           "the certificate keeps the name until 20" in result.stderr
    assert "example.com: is disabled, so its certificate is not renewed; use 'domain enable example.com'" in result.stdout
    assert names_in(file_of(served, "example.org")) == ["autoconfig.example.org", "autodiscover.example.org"]
    assert foreign.read_bytes() == before
    # If no name resolves to this server, its addresses may be unknown, so the CA decides.
    acme.set_names({"autodiscover.example.org": "127.0.0.1"})
    result = ctl(served, acme, "certificate", "renew", "--days", "100", "--address", "192.0.2.77")
    assert result.returncode == 0 and "example.org: new certificate for autoconfig.example.org" in result.stdout


def test_dry_run_changes_nothing(served, acme):
    served.start()
    result = request(served, acme, "--missing", "--dry-run")
    assert result.returncode == 0
    assert "example.org: would request a certificate for autoconfig.example.org, autodiscover.example.org\n" in result.stdout
    assert os.listdir(served.directory / "certificates") == []


def test_foreign_file_is_not_written_over(served, acme):
    served.start()
    served.add_certificate("example.org", "unrelated.example")
    before = file_of(served, "example.org").read_bytes()
    result = request(served, acme, "example.org")
    assert result.returncode == 1 and "was not requested by mailconfctl\nhint: move it away\n" in result.stderr
    assert file_of(served, "example.org").read_bytes() == before


def test_one_at_a_time(served, acme):
    served.start()
    assert request(served, acme, "example.org").returncode == 0
    with open(served.directory / "certificates" / ".acme" / "lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = renew(served, acme, "--days", "100")
        assert result.returncode == 1 and "another mailconfctl is requesting certificates" in result.stderr
    assert renew(served, acme, "--days", "100").returncode == 0


@pytest.mark.parametrize("words, status, said", [
    ((), 2, "name domains, or use --missing"),
    (("example.org", "--missing"), 2, "name domains, or use --missing"),
    (("*.example.org",), 1, "a wildcard certificate requires DNS-01, but [acme] dns-hook is empty\nhint: set dns-hook"),
    (("*",), 1, "stands for all domains, and no certificate does"),
    (("unknown.invalid",), 1, "unknown.invalid: is not served here"),
    (("a b",), 1, "a b"),
    (("example.org", "--server", "http://127.0.0.1/"), 2, "is not the https URL of a CA's directory"),
    (("example.org", "--address", "nonsense"), 2, "'nonsense' is not an IP address"),
    (("example.org", "--address", "1.2.3.4;reboot"), 2, "is not an IP address"),
    (("example.org", "--resolver", "nonsense"), 1, "'nonsense' is not a resolver"),
])
def test_refusals(served, words, status, said):
    result = served.ctl("certificate", "request", *words, check=False)
    assert result.returncode == status and said in result.stderr


def test_without_uacme(served, acme):
    served.start()
    empty = served.directory / "bin"
    empty.mkdir()
    for program in ("sh", "mount"):
        (empty / program).symlink_to(shutil.which(program))
    result = subprocess.run(
        [served.build / "src" / "mailconfctl", "--config", served.config, "certificate", "request", "example.org",
         "--server", acme.server, "--resolver", acme.resolver, "--accept-terms"],
        env={"PATH": str(empty)}, capture_output=True, text=True, check=False)
    assert result.returncode == 1 and "hint: install the package uacme\n" in result.stderr
