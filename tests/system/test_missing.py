"""'certificate request --missing' and 'certificate renew --scheduled', as cron and a timer run them."""
import json
import os
import time

import pytest

from test_acme_names import ForeignWebServer
from test_acme import acme, ctl, file_of, renew, request, serial_in, served  # noqa: F401, fixtures too

pytestmark = pytest.mark.engines

MANY = 1988


@pytest.fixture
def many(served, acme):
    """12 domains whose names resolve to this server, among 1,988 others; and one that is disabled."""
    served.settings["server"]["public-name"] = ""
    lines = [f"domain add d{i}.elsewhere.example --provider example.org" for i in range(MANY)]
    lines += [f"domain add d{i}.here.example --provider example.org" for i in range(10)]
    lines += ["domain add off.here.example --provider example.org", "domain disable off.here.example"]
    batch = served.directory / "batch"
    batch.write_text("\n".join(lines) + "\n")
    served.ctl("batch", batch)
    return served


def test_one_line_for_all_that_are_elsewhere(many, acme):
    acme.set_names({f"{name}.d{i}.here.example": "127.0.0.1" for i in range(10) for name in ("autoconfig", "autodiscover")})
    many.start()
    result = request(many, acme, "--missing", "--dry-run", "--address", "127.0.0.1")
    assert result.returncode == 0
    assert all(line.startswith("mailconfctl: warning: example.com: ") for line in result.stderr.splitlines())
    lines = result.stdout.splitlines()
    assert lines[-1] == "1988 of 2000 domains have no name that resolves to this server; --verbose lists them"
    assert len(lines) == 13 and all(": would request a certificate for " in line for line in lines[:-1])
    verbose = request(many, acme, "--missing", "--dry-run", "--address", "127.0.0.1", "--verbose").stdout.splitlines()
    assert len(verbose) == 2001
    assert "d7.elsewhere.example: none of its names resolves to this server" in verbose
    assert verbose[-1] == "1988 of 2000 domains have no name that resolves to this server"
    found = json.loads(ctl(many, acme, "--json", "certificate", "request", "--missing", "--dry-run",
                           "--address", "127.0.0.1").stdout)
    assert sorted(entry["outcome"] for entry in found) == ["elsewhere"] * 1988 + ["would-request"] * 12


def test_dns_gives_no_answer(many, acme):
    """That is one line too, and a failure if it is so for all of them."""
    many.start()
    acme.end(acme.dns)
    result = request(many, acme, "--missing")
    assert result.returncode == 1 and result.stdout == ""
    assert result.stderr.startswith("mailconfctl: warning: 2000 of 2000 domains cannot be looked up now; the first: ")
    assert result.stderr.count("\n") == 2 and "mailconfctl: DNS gave no answer: " in result.stderr


def scheduled(served, acme, *words):
    return renew(served, acme, "--scheduled", *words)


def test_what_the_ca_would_refuse_is_counted(served, acme, tmp_path):
    """By CAA records, or because another web server has the names: as long as that is so, each run of the timer would
    fail. A domain that has a certificate may be among them."""
    web = ForeignWebServer(tmp_path / "nginx", "return 404")
    served.settings["acme"].update({"server": acme.server, "request-missing": "yes"})
    try:
        served.ctl("domain", "add", "late.example", "--provider", "example.org")
        served.start()
        acme.set_names({"autodiscover.example.org": web.address, "autoconfig.late.example": web.address,
                        "autoconfig.example.com": "127.0.0.1"})
        acme.add_records("--caa-record=example.com,0,issue,;")
        addresses = ("--address", f"127.0.0.1,{web.address}")
        assert request(served, acme, "example.org", *addresses).returncode == 0
        before = acme.log()
        for verbose in ((), ("--verbose",)):
            assert scheduled(served, acme, *addresses).returncode == 0
            result = scheduled(served, acme, *addresses, *verbose)
            assert result.returncode == 0, result.stderr
            hint = "" if verbose else "; --verbose lists them"
            assert result.stderr == (
                f"mailconfctl: warning: the CA would refuse 3 of 3 domains{hint}; the first: example.com: "
                "autoconfig.example.com: the CAA records of example.com allow no CA; nothing is requested\n")
            lines = result.stdout.splitlines()
            assert len(lines) == (3 if verbose else 0)
            for name in ("autodiscover.example.org", "autoconfig.late.example") if verbose else ():
                assert any(f"{name} resolves to {web.address}, where another web server answers on port 80 (HTTP 404)" in line
                           for line in lines)
        assert "example.com" not in acme.log().removeprefix(before)
        entries = json.loads(ctl(served, acme, "--json", "certificate", "request", "--missing", "--server", acme.server,
                                 *addresses).stdout)
        assert {entry["domain"]: entry["outcome"] for entry in entries if entry["outcome"] == "refused"}.keys() == \
            {"example.com", "example.org", "late.example"}
    finally:
        web.stop()


def test_scheduled(served, acme):
    """Certificates are renewed twice a day; domains that were added get theirs at the next run."""
    served.settings["acme"]["server"] = acme.server
    served.settings["acme"]["request-missing"] = "yes"
    served.start()
    assert request(served, acme, "example.org").returncode == 0
    file = file_of(served, "example.org")
    first = serial_in(file)
    result = scheduled(served, acme)
    assert (result.returncode, result.stderr.count("left out")) == (0, 2)
    assert "example.com: new certificate for autoconfig.example.com" in result.stdout
    assert "auto.example.net: new certificate for " in result.stdout and serial_in(file) == first

    served.ctl("domain", "add", "late.example", "--provider", "example.org")
    result = scheduled(served, acme)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "1 of 3 domains have no name that resolves to this server; --verbose lists them\n"
    acme.set_names({"autoconfig.late.example": "127.0.0.1", "autodiscover.late.example": "127.0.0.1"})
    assert "late.example: new certificate for autoconfig.late.example, autodiscover.late.example" in \
        scheduled(served, acme).stdout


def test_schedule(served, acme):
    """Between renewals nothing is done without request-missing. A certificate that becomes due before and a clock that
    was wrong are no reason to wait."""
    served.settings["acme"]["server"] = acme.server
    served.start()
    mark = served.directory / "certificates" / ".acme" / "next-renewal"
    assert scheduled(served, acme).returncode == 0
    assert not file_of(served, "example.com").exists(), "request-missing is no by default"
    assert abs(int(mark.read_text()) - time.time() - 12 * 3600) < 600
    before = mark.stat().st_mtime_ns
    assert scheduled(served, acme).stdout == "" and mark.stat().st_mtime_ns == before
    os.utime(mark, (time.time() + 3600, time.time() + 3600))
    assert scheduled(served, acme).returncode == 0 and mark.stat().st_mtime <= time.time()

    acme.end(acme.pebble)
    acme.validity = 3600
    assert acme.run_pebble()
    assert request(served, acme, "example.org").returncode == 0
    assert not mark.exists(), "what was requested may become due sooner"
    assert scheduled(served, acme).stdout == ""
    assert abs(int(mark.read_text()) - time.time() - 2400) < 600, "two thirds of its lifetime"
    mark.write_text(str(int(time.time())))
    assert scheduled(served, acme).returncode == 0 and int(mark.read_text()) > time.time()
    assert "--days and --scheduled exclude each other" in scheduled(served, acme, "--days", "3").stderr
