"""A certificate authority of the real kind, and a DNS of its own: pebble and dnsmasq."""
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import time

import pytest

from daemon import PATIENCE, free_port

PROGRAMS = ("pebble", "dnsmasq", "uacme", "unshare")
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
ELSEWHERE = "127.0.0.2"  # where nothing listens


def unshare():
    """How to get a file system of one's own, in which uacme believes another authority."""
    return ["unshare", "--mount"] if os.getuid() == 0 else ["unshare", "--mount", "--map-root-user"]


def skip_unless_installed(*programs):
    for program in programs:
        if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
            pytest.skip(f"{program} is not installed")


def skip_unless_possible():
    skip_unless_installed(*PROGRAMS)
    if subprocess.run([*unshare(), "mount", "--bind", "/etc/hosts", BUNDLE], capture_output=True).returncode:
        pytest.skip("this machine allows no mount in a namespace of one's own")


def comes_up(port, process):
    """Waits until the process listens; False where it has ended, as when another has taken the port."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return False
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process.poll() is None
        time.sleep(0.02)
    raise AssertionError(f"nothing listens on port {port}")


ATTEMPTS = 5


VALIDITY = 90 * 86400


class Acme:
    """Names are in DNS as the test says; challenges are asked for at the daemon's plain port."""

    def __init__(self, directory, authority):
        self.directory, self.authority, self.validity = pathlib.Path(directory), authority, VALIDITY
        self.directory.mkdir()
        self.http_port = free_port()  # of the daemon
        self.dns_port = self.port = self.management = None
        self.dns = self.pebble = None
        self.running = None  # the configuration of pebble that runs
        self.log_start = 0  # where the test's part of its log begins
        self.validator_dns = None  # the server that pebble asks, if it is another one
        self.addresses, self.options = {}, []

    @property
    def server(self):
        return f"https://127.0.0.1:{self.port}/dir"

    @property
    def resolver(self):
        return f"127.0.0.1:{self.dns_port}"

    def set_names(self, addresses):
        """Which names are in DNS with which address; added to those before."""
        self.addresses.update(addresses)
        self.start_dns()

    def answer_all(self, address):
        """Whatever name is asked for has the address."""
        self.add_records(f"--address=/#/{address}")

    def add_records(self, *options):
        """Options of dnsmasq, added to those before."""
        self.options += options
        self.start_dns()

    def remove_records(self, *options):
        self.options = [option for option in self.options if option not in options]
        self.start_dns()

    def start_dns(self):
        """Under the port that it had, if it ran before."""
        self.end(self.dns)
        for _ in range(ATTEMPTS):
            port = self.dns_port or free_port()
            if self.run_dns(port):
                self.dns_port = port
                return
        raise AssertionError("dnsmasq does not start")

    def run_dns(self, port):
        words = [f"--host-record={name},{address}" for name, address in self.addresses.items() if address]
        self.dns = subprocess.Popen(
            ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
             "--bind-interfaces", "--listen-address=127.0.0.1", f"--port={port}", "--local=/#/",
             "--user=", "--group=", "--pid-file=", *words, *self.options],
            env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return comes_up(port, self.dns)

    def configuration(self):
        return self.validity, self.validator_dns

    def start(self, addresses):
        """Begins a test with these names in DNS alone. A pebble that runs is kept, because a new one creates keys."""
        self.addresses, self.options, self.validity = dict(addresses), [], VALIDITY
        self.start_dns()
        if self.pebble and self.pebble.poll() is None and self.running == self.configuration():
            self.log_start += len(self.log())
            return
        self.end(self.pebble)
        if not self.port:
            self.authority.run("pair", str(self.directory.relative_to(self.authority.directory) / "pebble"),
                               "localhost", "127.0.0.1")
        for _ in range(ATTEMPTS):
            self.port, self.management = free_port(), free_port()
            if self.run_pebble():
                return
        raise AssertionError(f"pebble does not start:\n{self.log()}")

    def run_pebble(self):
        self.running, self.log_start = self.configuration(), 0
        config = self.directory / "pebble.json"
        config.write_text(json.dumps({"pebble": {
            "listenAddress": f"127.0.0.1:{self.port}", "managementListenAddress": f"127.0.0.1:{self.management}",
            "certificate": str(self.directory / "pebble/fullchain.pem"),
            "privateKey": str(self.directory / "pebble/privkey.pem"), "httpPort": self.http_port,
            "tlsPort": free_port(), "certificateValidityPeriod": self.validity,
        }}))
        with open(self.directory / "pebble.log", "wb") as log:
            self.pebble = subprocess.Popen(
                ["pebble", "-config", config, "-dnsserver", self.validator_dns or self.resolver],
                env={**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"},
                stdout=log, stderr=log)
        return comes_up(self.port, self.pebble)

    def log(self):
        return (self.directory / "pebble.log").read_text()[self.log_start:]

    def root(self):
        """The certificate that signs what pebble issues: created at each start."""
        file = self.directory / "root.pem"
        command = ["curl", "--silent", "--fail", "--cacert", self.authority.file,
                   f"https://127.0.0.1:{self.management}/roots/0"]
        file.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
        return file

    def run(self, *command, **environment):
        """Runs a command to which the server of pebble is to be believed."""
        script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
        return subprocess.run([*unshare(), "sh", "-c", script, "sh", self.authority.file, BUNDLE, *command],
                              capture_output=True, text=True, check=False, timeout=10 * PATIENCE,
                              env={**os.environ, **environment})

    @staticmethod
    def end(process):
        if process and process.poll() is None:
            process.terminate()
            process.wait(timeout=PATIENCE)

    def stop(self):
        self.end(self.pebble)
        self.end(self.dns)


@pytest.fixture
def served(daemon):
    """A daemon without a certificate, as it is at the first start."""
    skip_unless_possible()
    (daemon.directory / "certificates" / "main.pem").unlink()
    daemon.settings["server"]["public-name"] = "auto.example.net"
    daemon.settings["acme"] = {"directory": daemon.directory / "acme" / "challenges"}
    services = ["imaps://imap.example.org", "submissions://smtp.example.org"]
    daemon.setup(
        ["domain", "add", "example.org", *services],
        ["domain", "add", "example.com", *services, "--pacc", "yes"],
    )
    return daemon


@pytest.fixture
def acme(served, shared_acme):
    served.settings["server"]["listen-http"] = f"127.0.0.1:{shared_acme.http_port}"
    shared_acme.start({
        "auto.example.net": "127.0.0.1",
        "autoconfig.example.org": "127.0.0.1",
        "autodiscover.example.org": "127.0.0.1",
        "example.org": "192.0.2.80",
        "autoconfig.example.com": "127.0.0.1",
        "autodiscover.example.com": ELSEWHERE,
        "example.com": "127.0.0.1",
    })
    return shared_acme


def ctl(daemon, acme, *words):
    """Runs 'mailconfctl certificate ...' where the authority is to be believed."""
    daemon.write_settings()
    return acme.run(daemon.build / "src" / "mailconfctl", "--config", daemon.config, *words, "--resolver", acme.resolver)


def request(daemon, acme, *words, terms=("--accept-terms",)):
    return ctl(daemon, acme, "certificate", "request", *words, "--server", acme.server, *terms)


def renew(daemon, acme, *words):
    return ctl(daemon, acme, "certificate", "renew", *words)


def file_of(daemon, domain):
    return daemon.directory / "certificates" / f"{domain}.pem"


def names_in(file):
    text = subprocess.run(["openssl", "x509", "-in", file, "-noout", "-ext", "subjectAltName"],
                          check=True, capture_output=True, text=True).stdout
    return sorted(re.findall(r"DNS:([^,\s]+)", text))


def serial_in(file):
    return subprocess.run(["openssl", "x509", "-in", file, "-noout", "-serial"], check=True,
                          capture_output=True, text=True).stdout.strip().removeprefix("serial=")


def trusting(acme):
    return ssl.create_default_context(cafile=acme.root())
