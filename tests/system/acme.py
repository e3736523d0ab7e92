"""A certificate authority of the real kind, and a DNS of its own: pebble and dnsmasq."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import time

import pytest

from daemon import PATIENCE, free_port

PROGRAMS = ("pebble", "dnsmasq", "uacme", "unshare")
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


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


class Acme:
    """Names are in DNS as the test says; challenges are asked for at the daemon's plain port."""

    def __init__(self, directory, authority, validity=90 * 86400):
        self.directory, self.authority, self.validity = pathlib.Path(directory), authority, validity
        self.directory.mkdir()
        self.http_port = free_port()  # of the daemon
        self.dns_port = self.port = self.management = None
        self.dns = self.pebble = None
        self.addresses = {}

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
        words = [f"--host-record={name},{address}" for name, address in self.addresses.items()]
        self.dns = subprocess.Popen(
            ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
             "--bind-interfaces", "--listen-address=127.0.0.1", f"--port={port}", "--local=/#/",
             "--user=", "--group=", "--pid-file=", *words],
            env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return comes_up(port, self.dns)

    def start(self):
        if not self.dns:
            self.start_dns()
        self.authority.run("pair", str(self.directory.relative_to(self.authority.directory) / "pebble"),
                           "localhost", "127.0.0.1")
        for _ in range(ATTEMPTS):
            self.port, self.management = free_port(), free_port()
            if self.run_pebble():
                return self
        raise AssertionError(f"pebble does not start:\n{self.log()}")

    def run_pebble(self):
        config = self.directory / "pebble.json"
        config.write_text(json.dumps({"pebble": {
            "listenAddress": f"127.0.0.1:{self.port}", "managementListenAddress": f"127.0.0.1:{self.management}",
            "certificate": str(self.directory / "pebble/fullchain.pem"),
            "privateKey": str(self.directory / "pebble/privkey.pem"), "httpPort": self.http_port,
            "tlsPort": free_port(), "certificateValidityPeriod": self.validity,
        }}))
        with open(self.directory / "pebble.log", "wb") as log:
            self.pebble = subprocess.Popen(
                ["pebble", "-config", config, "-dnsserver", self.resolver],
                env={**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"},
                stdout=log, stderr=log)
        return comes_up(self.port, self.pebble)

    def log(self):
        return (self.directory / "pebble.log").read_text()

    def root(self):
        """The certificate that signs what pebble issues: made anew at each start."""
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
