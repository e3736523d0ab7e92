"""Which names a certificate is requested for: what DNS, CAA records and the web server at each name decide, and what
never reaches the ACME client or the certificate authority (CA)."""
import json
import os
import pathlib
import sqlite3
import tempfile
import time

import pytest

from acme import (  # pylint: disable=unused-import
    ELSEWHERE, acme, ctl, file_of, names_in, renew, request, served, skip_unless_installed)
from daemon import free_port
from upstream import A, AAAA, CAA, CNAME, NODATA, REFUSED, SERVFAIL, SILENCE, Upstream, encode_name, record
from world import Nginx, address

pytestmark = pytest.mark.engines


def change_row(daemon, statement, *values):
    """As an attacker in control of the daemon's account can."""
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
    assert "left out as invalid; the first: " in result.stderr
    assert option.format(place) not in result.stdout and option.format(place) not in acme.log()
    if row.startswith("UPDATE domain"):
        assert "example.com: new certificate" in result.stdout, "others go on"


def test_domain_is_no_path(served, acme):
    """Files of a certificate and of a failure are called after the domain."""
    acme.answer_all("127.0.0.1")
    change_row(served, "UPDATE domain SET name = ? WHERE name = 'example.com'", "../example.com")
    served.start()
    before = sorted(os.listdir(served.directory))
    result = request(served, acme, "--missing")
    assert "left out as invalid; the first: '../example.com' is not a domain name" in result.stderr
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
    assert renew(served, acme, "--scheduled").returncode == 1
    assert int((file.parent / ".acme" / "next-renewal").read_text()) <= time.time() + 3600, "it is tried again soon"
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


@pytest.mark.parametrize("days, left, is_kept, place", [
    (90, 29, True, None), (90, 11, True, "192.0.2.1"), (90, 9, False, "192.0.2.1"), (90, 9, False, None),
    (6, 1, True, "192.0.2.1"), (18, 1, False, "192.0.2.1"),
])
def test_name_is_dropped_at_the_end(served, acme, days, left, is_kept, place):
    """A name that does not resolve to this server is kept until a ninth of the lifetime is left."""
    served.start()
    assert request(served, acme, "example.com").returncode == 0
    file = hold(served, acme, NAMES, days, left)
    before = file.read_bytes()
    acme.set_names({"autodiscover.example.org": place})
    result = renew(served, acme)
    assert result.returncode == 0, result.stderr
    reason = f"resolves to {place}, which is not an address of this server" if place else "has no address in DNS"
    assert f"warning: example.org: autodiscover.example.org {reason}; " in result.stderr
    if not is_kept:
        assert "; it is left out\n" in result.stderr and names_in(file) == ["autoconfig.example.org"]
        return
    assert "; the certificate keeps the name until 20" in result.stderr and result.stdout == ""
    assert file.read_bytes() == before
    assert "mailconfctl certificate request example.org' removes it now" in result.stderr
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


class ForeignWebServer:
    """nginx at an address of its own, on port 80."""

    def __init__(self, directory, answer, others=""):
        skip_unless_installed("nginx")
        if os.getuid() != 0:
            pytest.skip("only root can listen on port 80")
        self.address, self.log = address(), directory / "access.log"
        self.nginx = Nginx(directory, f"server {{ listen {self.address}:80; access_log {self.log}; "
                                      f"location / {{ {answer}; }} }}\n{others.replace('ADDRESS', self.address)}")

    def stop(self):
        self.nginx.stop()


@pytest.fixture(params=["return 404", "return 301 https://www.example.org/", 'return 200 "$request_uri"'],
                ids=["not found", "redirect", "echo"])
def foreign(request, tmp_path_factory):
    server = ForeignWebServer(tmp_path_factory.mktemp("web") / "nginx", request.param)
    yield server
    server.stop()


def test_another_web_server_answers(served, acme, foreign):
    """At an address that is ours, as behind NAT: the CA is not asked to validate the name."""
    served.start()
    acme.set_names({"autodiscover.example.org": foreign.address})
    addresses = ("--address", f"127.0.0.1,{foreign.address}")
    result = request(served, acme, "example.org", *addresses)
    assert result.returncode == 0, result.stderr
    assert f"example.org: autodiscover.example.org resolves to {foreign.address}, where another web server answers on " \
           "port 80 (HTTP " in result.stderr and result.stderr.endswith("; it is left out\n")
    assert "/.well-known/acme-challenge/trial-" in foreign.log.read_text()
    assert names_in(file_of(served, "example.org")) == ["autoconfig.example.org"]
    assert "autodiscover.example.org" not in acme.log()
    assert not list((served.directory / "acme" / "challenges").iterdir())
    # A renewal keeps the name until the end, and the CA is not asked either.
    file = hold(served, acme, NAMES, 90, 20)
    before = file.read_bytes()
    result = renew(served, acme, *addresses)
    assert result.returncode == 0 and "; the certificate keeps the name until 20" in result.stderr
    assert file.read_bytes() == before and "autodiscover.example.org" not in acme.log()
    # If all names are there, nothing is left to request.
    acme.set_names({"autoconfig.example.org": foreign.address})
    result = request(served, acme, "example.org", *addresses)
    assert result.returncode == 1 and "none of its names resolves to this server" in result.stderr
    assert acme.log().count("/order-plz") == 1


REDIRECTS = {  # to where, and what is answered there
    "to HTTPS": ("https://$host$request_uri", "proxy_pass http://127.0.0.1:{port}"),
    "to another host": ("http://challenges.example.net$request_uri", "proxy_pass http://127.0.0.1:{port}"),
    "not found there": ("https://$host$request_uri", "return 404"),
    "in a circle": ("http://$host$request_uri", None),
    "to another port": ("http://$host:8080$request_uri", None),
    "to an address": ("http://127.0.0.1$request_uri", None),
}


@pytest.mark.parametrize("case", REDIRECTS)
def test_redirect_of_the_web_server(served, acme, tmp_path, case):
    """A CA follows redirects, also to HTTPS without a good certificate. The web server in front of the daemon does
    what is usual: all requests are redirected to HTTPS, and it hands those for challenges to the daemon."""
    target, there = REDIRECTS[case]
    pem = served.authority.certificate("www.elsewhere.example")
    second = address()
    web = ForeignWebServer(tmp_path / "nginx", f"return 301 {target}", "" if not there else (
        f"server {{ listen ADDRESS:443 ssl; listen {second}:80; ssl_certificate {pem}; ssl_certificate_key {pem}; "
        f"location / {{ {there.format(port=acme.http_port)}; }} }}"))
    served.settings["server"]["listen-http"] = f"0.0.0.0:{acme.http_port}"
    try:
        acme.set_names({"autodiscover.example.org": web.address, "challenges.example.net": second})
        served.start()
        result = request(served, acme, "example.org", "--address", f"127.0.0.1,{web.address}")
        assert result.returncode == 0, result.stderr
        if there and there.startswith("proxy_pass"):
            assert "autodiscover.example.org" not in result.stderr, "it is neither left out nor unreachable"
            assert names_in(file_of(served, "example.org")) == NAMES
            return
        assert f"autodiscover.example.org resolves to {web.address}, where another web server answers on port 80 (HTTP " \
               "301" in result.stderr
        assert names_in(file_of(served, "example.org")) == ["autoconfig.example.org"]
        assert web.log.read_text().count("/trial-") == (11 if case == "in a circle" else 1)
        assert "autodiscover.example.org" not in acme.log()
    finally:
        web.stop()


def test_wildcard_record_answers(served, acme):
    """At a web host, for whatever name below the domain."""
    for name in list(acme.addresses):
        if name.endswith("example.org"):
            del acme.addresses[name]
    acme.add_records("--address=/example.org/192.0.2.80")
    served.start()
    result = request(served, acme, "example.org")
    assert result.returncode == 1
    for name in NAMES:
        assert f"example.org: {name} has no record of its own, *.example.org answers with 192.0.2.80, which is not an " \
               "address of this server; it is left out\n" in result.stderr
    assert "none of its names resolves to this server" in result.stderr and "/order-plz" not in acme.log()


def test_wildcard_record_of_another_web_server(served, acme, tmp_path):
    web = ForeignWebServer(tmp_path / "nginx", "return 404")
    try:
        for name in list(acme.addresses):
            if name.endswith("example.org"):
                del acme.addresses[name]
        acme.add_records(f"--address=/example.org/{web.address}")
        served.start()
        result = request(served, acme, "example.org", "--address", f"127.0.0.1,{web.address}")
        assert result.returncode == 1
        for name in NAMES:
            assert f"{name} has no record of its own, *.example.org answers with {web.address}, where another web server " \
                   "answers on port 80 (HTTP 404); it is left out\n" in result.stderr
        assert "/order-plz" not in acme.log()
    finally:
        web.stop()


def test_address_that_cannot_be_reached_only_warns(served, acme):
    """A router may not loop connections back, so the CA decides."""
    served.start()
    acme.set_names({"autodiscover.example.org": ELSEWHERE})
    result = request(served, acme, "example.org", "--address", f"127.0.0.1,{ELSEWHERE}")
    assert f"example.org: autodiscover.example.org cannot be reached on port 80 from this server ({ELSEWHERE}: " \
           "Connection refused); the CA may be able to\n" in result.stderr
    assert "autodiscover.example.org" in acme.log(), "it was asked"


def ca_with_identity(served, acme):
    """The directory of pebble, which names no identity for CAA records, with one."""
    skip_unless_installed("nginx")
    place = served.directory / "ca"
    place.mkdir()
    directory = json.loads(acme.run("curl", "--silent", "--fail", acme.server).stdout)
    directory["meta"]["caaIdentities"] = ["pebble.example"]
    (place / "dir").write_text(json.dumps(directory))
    port = free_port()
    nginx = Nginx(place / "nginx", f"server {{ listen 127.0.0.1:{port} ssl; root {place}; default_type application/json;\n"
                                   f"ssl_certificate {acme.directory}/pebble/fullchain.pem;\n"
                                   f"ssl_certificate_key {acme.directory}/pebble/privkey.pem; }}")
    return nginx, f"https://127.0.0.1:{port}/dir"


REFUSED_BY_CAA = {
    "example.org,0,issue,letsencrypt.org":
        "the CAA records of example.org allow only letsencrypt.org, but the CA is pebble.example",
    "org,0,ISSUE,other.example; policy=ev": "the CAA records of org allow only other.example, but the CA",
    "example.org,0,issue,;": "the CAA records of example.org allow no CA",
    "example.org,0,issue,pebble.example; validationmethods=dns-01": "do not allow validation by http-01",
    "example.org,128,tbs,unknown": "a CAA record of example.org has a critical property that CAs do not know",
    "autodiscover.example.org,0,issue,%%%": "autodiscover.example.org: the CAA records of autodiscover.example.org allow no CA",
}
ALLOWED_BY_CAA = [
    "example.org,0,issue,Pebble.Example; accounturi=x; validationmethods=dns-01,HTTP-01",
    "example.org,0,issuewild,;",
    "example.org,0,tbs,unknown",
    "example.org,128,iodef,mailto:security@example.org",
]


def test_caa_records_that_exclude_the_ca(served, acme):
    served.start()
    nginx, server = ca_with_identity(served, acme)
    try:
        ask = ("certificate", "request", "example.org", "--server", server, "--accept-terms")
        for record, reason in REFUSED_BY_CAA.items():
            acme.add_records(f"--caa-record={record}")
            result = ctl(served, acme, *ask)
            assert result.returncode == 1 and reason in result.stderr, record
            assert result.stderr.splitlines()[0].endswith("; nothing is requested"), result.stderr
            acme.remove_records(f"--caa-record={record}")
        assert "POST" not in acme.log(), "the CA has heard of nothing"
        assert not list((served.directory / "certificates" / ".acme").glob("failed-*"))
        for record in ALLOWED_BY_CAA:
            acme.add_records(f"--caa-record={record}")
            result = ctl(served, acme, *ask, "--dry-run")
            assert result.returncode == 0 and "would request a certificate for" in result.stdout, f"{record}:\n{result.stderr}"
            acme.remove_records(f"--caa-record={record}")
        # One of several is enough.
        acme.add_records("--caa-record=example.org,0,issue,letsencrypt.org", "--caa-record=example.org,0,issue,pebble.example")
        result = ctl(served, acme, *ask)
        assert result.returncode == 0, result.stderr
    finally:
        nginx.stop()


def test_caa_without_identities_of_the_ca(served, acme):
    """A CA need not name any; then only a set that lets no CA issue is certain to exclude it."""
    served.start()
    acme.add_records("--caa-record=example.org,0,issue,letsencrypt.org")
    assert request(served, acme, "example.org", "--dry-run").returncode == 0
    acme.add_records("--caa-record=example.com,0,issue,;")
    result = request(served, acme, "example.com")
    assert result.returncode == 1 and "the CAA records of example.com allow no CA; nothing is requested" in result.stderr
    assert "POST" not in acme.log()


def test_caa_and_a_ca_that_cannot_be_reached(served, acme):
    """Its directory is fetched once, not once for each domain, and the others wait too."""
    served.start()
    acme.add_records("--caa-record=org,0,issue,letsencrypt.org", "--caa-record=com,0,issue,letsencrypt.org")
    acme.end(acme.pebble)
    result = request(served, acme, "example.org", "example.com")
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert lines[0].startswith("mailconfctl: example.org: ") and acme.server in lines[0]
    assert lines[1:] == ["mailconfctl: 2 of 2 certificates could not be requested"], "it is said once"
    assert not list((served.directory / "certificates" / ".acme").glob("failed-*"))


def test_caa_without_an_answer(served, acme, upstream):
    """Nor is the CA asked if a CNAME leads to records that exclude it."""
    served.start()
    del acme.addresses["autodiscover.example.org"]
    acme.start_dns()
    place = {("autodiscover.example.org", A): [record("autodiscover.example.org", A, b"\x7f\0\0\1")],
             ("autodiscover.example.org", AAAA): NODATA}
    upstream.answers = {**place, ("autodiscover.example.org", CAA): SERVFAIL}
    result = request(served, acme, "example.org")
    assert result.returncode == 1
    assert "the CAA records of autodiscover.example.org cannot be looked up: " in result.stderr
    # A resolver that never answers about CAA records does not cost a certificate that is in use.
    ready = {**upstream.answers}
    upstream.answers = place
    assert request(served, acme, "example.com").returncode == 0, "there is an account"
    log = acme.log()
    file = hold(served, acme, NAMES, 90, 11)
    before, upstream.answers = file.read_bytes(), ready
    assert renew(served, acme).returncode == 1 and file.read_bytes() == before and "example.org" not in acme.log()
    hold(served, acme, NAMES, 90, 9)
    result = renew(served, acme)
    assert result.returncode == 0 and names_in(file) == NAMES, result.stderr
    file.unlink()
    log = acme.log()
    alias = record("autodiscover.example.org", CNAME, encode_name("target.example.net"))
    upstream.answers = {**place, ("autodiscover.example.org", CAA):
                        [alias, record("target.example.net", CAA, b"\0\5issue;")]}
    result = request(served, acme, "example.org")
    assert result.returncode == 1 and "the CAA records of autodiscover.example.org allow no CA" in result.stderr
    assert "POST" not in acme.log().removeprefix(log)
    assert not list((served.directory / "certificates" / ".acme").glob("failed-*"))


def test_name_of_a_certificate_is_validated(served, acme):
    """Whatever a file claims to have been requested, its names reach uacme only if they are host names."""
    served.start()
    file = hold(served, acme, ["autoconfig.example.org", "x.-y.example.org"], 90, 3)
    before = file.read_bytes()
    result = renew(served, acme)
    assert result.returncode == 1
    assert "example.org: 'x.-y.example.org' is not a host name; nothing is requested for it" in result.stderr
    assert file.read_bytes() == before and "POST" not in acme.log()
