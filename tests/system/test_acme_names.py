"""Which names a certificate is requested for: what DNS, CAA records and the web server at each name decide, and what
never reaches the ACME client or the certificate authority (CA)."""
import os
import pathlib
import sqlite3
import tempfile

import pytest

from acme import ELSEWHERE, acme, file_of, names_in, renew, request, served  # pylint: disable=unused-import
from upstream import A, AAAA, CNAME, NODATA, REFUSED, SERVFAIL, SILENCE, Upstream, encode_name, record


def change_row(daemon, statement, *values):
    """As whoever controls the account of the daemon can."""
    with sqlite3.connect(daemon.directory / "mailconfd.db") as database:
        database.execute("PRAGMA ignore_check_constraints = ON")
        assert database.execute(statement, values).rowcount == 1
    database.close()


@pytest.mark.parametrize("option", ["--hook={}/example.org", "-h{}/example.org"])
@pytest.mark.parametrize("row", [
    "UPDATE domain SET name = ? WHERE name = 'example.org'",
    "UPDATE provider SET public_name = ? WHERE name = 'example.org'",
])
def test_name_is_no_option_of_the_client(served, acme, row, option):
    """The database belongs to the daemon's account, and root runs uacme: a name must not be taken for its --hook."""
    with tempfile.TemporaryDirectory(prefix="m", dir="/tmp") as place:  # within the 63 bytes of a label
        program, harmed = pathlib.Path(place, "example.org"), pathlib.Path(place, "harmed")
        program.write_text(f"#!/bin/sh\ntouch {harmed}\nexit 1\n")
        program.chmod(0o755)
        acme.answer_all("127.0.0.1")
        change_row(served, row, option.format(place))
        served.start()
        result = request(served, acme, "--missing")
        assert not harmed.exists(), result.stderr
    assert result.returncode == 1 and f"'{option.format(place)}' is not a host name" in result.stderr
    assert "example.com: new certificate" in result.stdout, "others go on"


def test_domain_is_no_path(served, acme):
    """Files of a certificate and of a failure are called after the domain."""
    acme.answer_all("127.0.0.1")
    change_row(served, "UPDATE domain SET name = ? WHERE name = 'example.com'", "../example.com")
    served.start()
    before = sorted(os.listdir(served.directory))
    result = request(served, acme, "--missing")
    assert result.returncode == 1 and "'../example.com' is not a host name" in result.stderr
    assert "example.org: new certificate" in result.stdout
    assert [name for name in os.listdir(served.directory) if name not in (*before, "acme")] == []
    assert not file_of(served, "example.com").exists()


@pytest.fixture
def upstream(acme):
    """Asked by the DNS of the test for the names below these."""
    instance = Upstream()
    acme.add_records(f"--server=/autodiscover.example.org/target.example.net/127.0.0.1#{instance.port}", "--no-negcache",
                     "--cache-size=0")
    yield instance
    instance.stop()


def hold(daemon, acme, names, days, left, domain="example.org"):
    """A certificate as it was requested some time ago, valid for so many days, of which so many are left."""
    file = file_of(daemon, domain)
    pem = daemon.authority.certificate(*names, options=("--days", str(days), "--not-before", str(left - days)))
    file.write_text(f"# Requested by mailconfctl from {acme.server}: 'mailconfctl certificate renew' renews it.\n"
                    + pem.read_text())
    return file


NAMES = ["autoconfig.example.org", "autodiscover.example.org"]

NO_ANSWERS = {
    "servfail": {"autodiscover.example.org": SERVFAIL},
    "refused": {"autodiscover.example.org": REFUSED},
    "AAAA times out": {("autodiscover.example.org", A): [record("autodiscover.example.org", A, b"\x7f\0\0\1")],
                       ("autodiscover.example.org", AAAA): SILENCE},
    "target fails": {"autodiscover.example.org": [record("autodiscover.example.org", CNAME, encode_name("target.example.net"))],
                     "target.example.net": SERVFAIL},
}


@pytest.mark.parametrize("answers", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_no_answer_is_not_elsewhere(served, acme, upstream, answers):
    """Neither a renewal nor a request goes on without the name; nobody is to blame, so the next run tries again."""
    del acme.addresses["autodiscover.example.org"]
    acme.start_dns()
    served.start()
    assert request(served, acme, "example.com").returncode == 0, "there is an account"
    file = hold(served, acme, NAMES, 90, 3)
    before, log = file.read_bytes(), acme.log()
    upstream.answers = answers
    result = renew(served, acme)
    assert result.returncode == 1 and result.stdout == ""
    assert "mailconfctl: example.org: autodiscover.example.org cannot be looked up: " in result.stderr
    assert file.read_bytes() == before
    file.unlink()
    result = request(served, acme, "example.org")
    assert result.returncode == 1 and "autodiscover.example.org cannot be looked up: " in result.stderr
    assert "example.org" not in acme.log().removeprefix(log).replace("example.org.pem", "")
    assert not (file.parent / ".acme" / "failed-example.org").exists()

    upstream.answers = {"autodiscover.example.org": [record("autodiscover.example.org", A, b"\x7f\0\0\1")],
                        ("autodiscover.example.org", AAAA): NODATA}
    hold(served, acme, NAMES, 90, 3)
    result = renew(served, acme)
    assert result.returncode == 0, result.stderr
    assert names_in(file) == NAMES and file.read_bytes() != before


def test_no_answer_for_the_public_name(served, acme, upstream):
    """Then the addresses of this server are not known."""
    served.settings["server"]["public-name"] = "autodiscover.example.org"
    del acme.addresses["autodiscover.example.org"]
    acme.start_dns()
    served.start()
    upstream.answers = {"autodiscover.example.org": SERVFAIL}
    result = request(served, acme, "example.com")
    assert result.returncode == 1
    assert "resolves to 127.0.0.1, which may be an address of this server: DNS gives no answer for public-name" in result.stderr
    assert "newOrder" not in acme.log() and "/order-plz" not in acme.log()


@pytest.mark.parametrize("days, left, day", [(90, 29, 10), (90, 11, 10), (90, 9, None), (45, 6, 5), (45, 4, None), (6, 1, 0.6)])
@pytest.mark.parametrize("address", [None, "192.0.2.1"])
def test_name_is_dropped_at_the_end(served, acme, days, left, day, address):
    """A name that does not resolve to this server is kept until a ninth of the lifetime is left."""
    served.start()
    assert request(served, acme, "example.com").returncode == 0
    file = hold(served, acme, NAMES, days, left)
    before = file.read_bytes()
    acme.set_names({"autodiscover.example.org": address})
    result = renew(served, acme)
    assert result.returncode == 0, result.stderr
    reason = f"resolves to {address}, which is not an address of this server" if address else "has no address in DNS"
    assert f"warning: example.org: autodiscover.example.org {reason}; " in result.stderr
    if day is None:
        assert "; it is left out\n" in result.stderr and names_in(file) == ["autoconfig.example.org"]
        return
    assert "; the certificate keeps the name until 20" in result.stderr and result.stdout == ""
    assert file.read_bytes() == before
    assert "mailconfctl certificate request example.org' does so now" in result.stderr
    # So does a request that names no domain; one that does goes on at once.
    result = request(served, acme, "--missing")
    assert file.read_bytes() == before
    result = request(served, acme, "example.org")
    assert result.returncode == 0 and names_in(file) == ["autoconfig.example.org"]


def test_name_is_added_again(served, acme):
    """As soon as it resolves to this server, also if the certificate is not due; unless a request failed lately."""
    served.start()
    acme.set_names({"autodiscover.example.org": ELSEWHERE})
    assert request(served, acme, "example.org").returncode == 0
    file = file_of(served, "example.org")
    assert names_in(file) == ["autoconfig.example.org"]
    before = file.read_bytes()
    result = renew(served, acme)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "") and file.read_bytes() == before
    acme.set_names({"autodiscover.example.org": "127.0.0.1"})
    pause = file.parent / ".acme" / "failed-example.org"
    pause.write_text("1")
    result = renew(served, acme)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "") and file.read_bytes() == before
    pause.unlink()
    result = renew(served, acme)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("example.org: new certificate for autoconfig.example.org, autodiscover.example.org;")
    assert names_in(file) == NAMES
    before = file.read_bytes()
    assert renew(served, acme).stdout == "" and file.read_bytes() == before
