"""Certificates by DNS-01: a program that the settings name puts the records into DNS."""
import os
import subprocess

import pytest

from acme import comes_up, skip_unless_installed
from daemon import free_port
from test_acme import acme, file_of, names_in, renew, request, serial_in, served  # noqa: F401, fixtures too

pytestmark = pytest.mark.engines

HOOK = """#!/bin/sh
# As uacme calls its hooks: METHOD TYPE IDENTIFIER TOKEN AUTHORIZATION.
echo "$# $1 $2 $3" >>"{log}"
[ "$2" = dns-01 ] || exit 1
case "$3" in refused.*) echo "the zone is not mine"; exit 3 ;; esac
case "$1" in
begin) curl -fsS -d '{{"host": "_acme-challenge.'"$3"'.", "value": "'"$5"'"}}' "http://127.0.0.1:{management}/set-txt" ;;
*) curl -fsS -d '{{"host": "_acme-challenge.'"$3"'."}}' "http://127.0.0.1:{management}/clear-txt" ;;
esac
"""


@pytest.fixture(scope="module")
def management(shared_acme):
    """A DNS server that pebble asks. Returns the port at which its records are set."""
    skip_unless_installed("pebble-challtestsrv", "curl")
    dns, management = free_port(), free_port()
    process = subprocess.Popen(
        ["pebble-challtestsrv", "-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv6", "", "-dns01", f"127.0.0.1:{dns}",
         "-management", f"127.0.0.1:{management}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert comes_up(management, process)
    shared_acme.validator_dns = f"127.0.0.1:{dns}"
    yield management
    process.terminate()
    process.wait()


@pytest.fixture
def hook(management, served, acme):
    """A program that sets the records, for a server whose port 80 is closed."""
    program = served.directory / "hook"
    program.write_text(HOOK.format(log=served.directory / "hook.log", management=management))
    program.chmod(0o755)
    served.settings["acme"]["dns-hook"] = program
    served.settings["server"]["listen-http"] = ""
    return program


def calls(served):
    return (served.directory / "hook.log").read_text().splitlines()


@pytest.mark.ci
def test_port_80_is_closed(served, acme, hook):
    served.start()
    result = request(served, acme, "example.org")
    assert (result.returncode, result.stderr) == (0, "")
    file = file_of(served, "example.org")
    assert names_in(file) == ["autoconfig.example.org", "autodiscover.example.org"]
    assert sorted(calls(served)) == sorted(
        f"5 {method} dns-01 {name}.example.org" for method in ("begin", "done") for name in ("autoconfig", "autodiscover"))
    first = serial_in(file)
    assert renew(served, acme, "--days", "100").returncode == 0
    assert serial_in(file) != first and len(calls(served)) >= 4


def test_wildcards(served, acme, hook):
    """Of a domain and of a wildcard domain, also where port 80 is open; both are renewed."""
    served.settings["server"]["listen-http"] = f"127.0.0.1:{acme.http_port}"
    served.ctl("domain", "add", "*.wild.example", "--provider", "example.org")
    served.start()
    result = request(served, acme, "*.example.org", "*.wild.example")
    assert (result.returncode, result.stderr) == (0, "")
    assert "*.example.org: new certificate for *.example.org; valid until" in result.stdout
    files = [served.directory / "certificates" / f"_.{domain}.pem" for domain in ("example.org", "wild.example")]
    assert [names_in(file) for file in files] == [["*.example.org"], ["*.wild.example"]]
    assert calls(served)[0] == "5 begin dns-01 example.org"
    assert request(served, acme, "*.example.org").stdout.startswith("*.example.org: has a certificate for *.example.org")
    before = [serial_in(file) for file in files]
    result = renew(served, acme, "--days", "100")
    assert (result.returncode, result.stderr) == (0, "")
    assert all(serial_in(file) != old for file, old in zip(files, before))
    assert "5 begin http-01" not in "\n".join(calls(served))


def test_caa_of_wildcards(served, acme, hook):
    """issuewild decides where there is one, else issue does (RFC 8659 4.3); issuewild decides about no other name."""
    served.start()
    issue, issuewild = "--caa-record=example.org,0,issue,", "--caa-record=example.org,0,issuewild,"
    refusal = "example.org: the CAA records of example.org allow no CA; nothing is requested\n"
    both = "*.example.org", "example.org"

    def request_with(*records):
        acme.add_records(*records)
        result = request(served, acme, *both)
        acme.remove_records(*records)
        assert result.returncode == 1
        return result

    result = request_with(f"{issue};")
    assert f"*.{refusal}" in result.stderr and f" autoconfig.{refusal}" in result.stderr and not result.stdout
    assert "POST" not in acme.log(), "the CA has heard of nothing"
    result = request_with(f"{issue}pebble.example", f"{issuewild};")
    assert f"*.{refusal}" in result.stderr and result.stdout.startswith("example.org: new certificate for autoconfig.")
    file_of(served, "example.org").unlink()
    result = request_with(f"{issue};", f"{issuewild}pebble.example")
    assert f" autoconfig.{refusal}" in result.stderr
    assert result.stdout.startswith("*.example.org: new certificate for *.example.org;")


def test_missing_wildcards(served, acme, hook):
    served.settings["acme"].update({"server": acme.server, "request-missing": "yes"})
    served.setup(["domain", "add", "*.wild.example", "--provider", "example.org"],
                 ["domain", "add", "*.off.example", "--provider", "example.org"],
                 ["domain", "disable", "*.off.example"])
    served.start()
    assert request(served, acme, "example.org").returncode == 0
    result = renew(served, acme, "--scheduled")
    assert result.returncode == 0 and "*.wild.example: new certificate for *.wild.example; valid" in result.stdout
    assert "off.example" not in result.stdout + result.stderr
    assert "wild.example" not in renew(served, acme, "--scheduled").stdout


@pytest.mark.parametrize("pattern, said", [
    ("*", "stands for all domains, and no certificate does"),
    ("*.unknown.example", "unknown.example: is not served here"),
    ("*.off.example", "domain 'off.example' is disabled\nhint: use 'domain enable off.example'"),
])
def test_wildcards_that_are_refused(served, acme, hook, pattern, said):
    served.setup(["domain", "add", "off.example", "--provider", "example.org"], ["domain", "disable", "off.example"])
    served.start()
    result = request(served, acme, pattern)
    assert result.returncode == 1 and said.removeprefix("unknown.example: ") in result.stderr
    assert not (served.directory / "hook.log").exists()


@pytest.mark.ci
def test_hook_that_fails(served, acme, hook):
    """What it writes and its exit status are in the error, and the others go on."""
    served.ctl("domain", "add", "refused.example.org", "--provider", "example.org")
    served.start()
    result = request(served, acme, "*.refused.example.org", "example.org")
    assert result.returncode == 1
    assert (f"*.refused.example.org: dns-hook '{hook}' failed with exit status 3 for 'refused.example.org': the zone is "
            "not mine\n") in result.stderr
    assert "example.org: new certificate for " in result.stdout


def test_wildcard_whose_hook_fails_pauses(served, acme, hook):
    """The timer runs every ten minutes, and the CA counts failures."""
    served.settings["acme"].update({"server": acme.server, "request-missing": "yes"})
    served.setup(["domain", "add", "*.refused.example", "--provider", "example.org"])
    served.start()
    assert request(served, acme, "example.org").returncode == 0
    result = renew(served, acme, "--scheduled")
    assert result.returncode == 1 and "*.refused.example: dns-hook " in result.stderr
    count, log = len(calls(served)), acme.log()
    result = renew(served, acme, "--scheduled")
    assert (result.returncode, result.stderr) == (0, "") and len(calls(served)) == count
    assert "domains failed recently and are retried later" in result.stdout
    assert "refused.example" not in acme.log().removeprefix(log)


def test_no_hook(served, acme, hook):
    del served.settings["acme"]["dns-hook"]
    served.settings["server"]["listen-http"] = f"127.0.0.1:{acme.http_port}"
    served.start()
    result = request(served, acme, "*.example.org", "example.org")
    assert result.returncode == 1
    assert "*.example.org: a wildcard certificate requires DNS-01, but [acme] dns-hook is empty\nhint: set dns-hook in [acme]" in result.stderr
    assert "1 of 2 certificates could not be requested" in result.stderr
    served.settings["server"]["listen-http"] = ""
    result = request(served, acme, "example.com")
    assert result.returncode == 2 and "listen-http is empty" in result.stderr and "dns-hook in [acme]" in result.stderr


def test_settings_are_checked(served, acme, hook):
    """The daemon does not need the program, so this is a warning."""
    served.add_certificate("main", "autoconfig.example.org")

    def check():
        served.write_settings()
        return subprocess.run(served.command("--check-config"), capture_output=True, text=True)

    assert "dns-hook" not in check().stderr
    os.chmod(hook, 0o644)
    result = check()
    assert result.returncode == 0
    assert f"warning: [acme] dns-hook: cannot run '{hook}': it is not an executable file" in result.stderr
    served.start()
    result = request(served, acme, "example.org")
    assert result.returncode == 2 and f"[acme] dns-hook: cannot run '{hook}'" in result.stderr
    hook.unlink()
    result = check()
    assert result.returncode == 0
    assert f"warning: [acme] dns-hook: cannot run '{hook}': No such file or directory" in result.stderr
