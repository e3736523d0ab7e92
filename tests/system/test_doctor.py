"""mailconfctl doctor: a domain that is well, and each thing that can be wrong with one."""
import json
import os

import pytest

import world

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for ports below 1024 of loopback addresses")

NAMES = ("autoconfig", "autodiscover", "ua-auto-config")
DOMAIN = "example.org"
HOST = "mail.example.org"


class World:
    """A domain with everything in order: a test plants its fault, then calls look()."""

    def __init__(self, directory, authority, daemon):
        self.directory = directory
        self.authority = authority
        self.daemon = daemon
        self.address = world.address()
        self.apex = world.address()
        self.started = []
        self.dns = world.Dns(directory / "dns")
        self.mail = None
        daemon.settings["server"]["listen-https"] = f"{self.address}:443"
        daemon.settings["server"]["listen-http"] = f"{self.address}:80"
        daemon.settings["server"]["public-name"] = f"autoconfig.{DOMAIN}"

    def certificate(self, *names, options=()):
        return self.authority.certificate(*names, options=options)

    def start_mail(self, *names, **options):
        self.mail = world.Dovecot(self.directory / "dovecot", self.certificate(*(names or (HOST,))), **options)
        self.started.append(self.mail)
        self.dns.host(HOST, self.mail.address)

    def start_nginx(self, servers):
        self.started.append(world.Nginx(self.directory / "nginx", servers))

    def start_server(self, *arguments, **options):
        server = world.Server(*arguments, **options)
        self.started.append(server)
        return server

    def setup(self, *services, options=(), records=True):
        self.daemon.setup(["domain", "add", DOMAIN, *services, *options])
        if records:
            self.publish(DOMAIN)

    def publish(self, domain):
        """Puts the records of 'dns' into DNS."""
        for record in json.loads(self.daemon.ctl("dns", domain, "--target", self.address, "--json").stdout):
            if record["presence"] != "wanted":
                continue
            name, kind, value = record["name"], record["type"], record.get("value")
            if kind == "A":
                self.dns.host(name, value)
            elif kind == "SRV":
                priority, weight, port, target = value.split()
                target = "" if target == "." else f",{target.rstrip('.')},{port},{priority},{weight}"
                self.dns.add(f"srv-host={name}{target}")
            elif kind == "TXT":
                self.dns.add(f"txt-record={name},{value}")

    def look(self, *arguments, domains=(DOMAIN,), ca=True):
        if not self.dns.process:
            self.dns.start()
        trust = ["--ca", self.authority.file] if ca else []
        result = self.daemon.ctl("doctor", *domains, "--resolver", self.dns.address, *trust, *arguments, "--json",
                                 check=False)
        findings = json.loads(result.stdout)
        assert result.returncode == (1 if any(each["level"] == "problem" for each in findings) else 0), result.stderr
        return findings

    def stop(self):
        for each in reversed(self.started):
            each.stop()
        self.dns.stop()


@pytest.fixture
def site(tmp_path, authority, daemon):
    instance = World(tmp_path, authority, daemon)
    yield instance
    instance.stop()


IMAP, SUBMISSION = f"imaps://{HOST}", f"submissions://{HOST}"
EVERYTHING = (IMAP, f"imap+starttls://{HOST}", f"pop3s://{HOST}", f"pop3+starttls://{HOST}", SUBMISSION,
              f"submission+starttls://{HOST}", f"managesieve+starttls://{HOST}")


def bad(findings):
    return [each for each in findings if each["level"] != "ok"]


def of_kind(findings, kind):
    return [each for each in findings if each["kind"] == kind]


def reverse(address):
    return ".".join(reversed(address.split("."))) + ".in-addr.arpa"


def test_all_is_well(site):
    site.start_mail()
    site.setup(*EVERYTHING)
    site.dns.add(f"ptr-record={reverse(site.mail.address)},{HOST}")
    site.daemon.start()
    findings = site.look()
    assert bad(findings) == []
    assert len(of_kind(findings, "settings")) == 9
    assert len(of_kind(findings, "service")) == 7
    assert len(of_kind(findings, "certificate")) == 2
    assert len(of_kind(findings, "record")) >= 9
