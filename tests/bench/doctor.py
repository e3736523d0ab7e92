#!/usr/bin/python3
"""How long 'mailconfctl doctor --all' takes for many domains, against a local resolver: all of them
well, and some whose names lead to where nobody answers. The daemon, the resolver and the doctor
share the processors with the mail server that all domains have. Needs root, for ports below 1024
of loopback addresses, dnsmasq and Dovecot."""
import argparse
import json
import os
import resource
import shutil
import socket
import sys
import time

import bench
import start
import world

NAMES = ("autoconfig", "autodiscover")
MAIL = "d00000.example"  # a name in the certificate of the first domain


class Silent:
    """An address that takes no connection and refuses none: a listener whose queue is full."""

    def __init__(self):
        self.address = world.address()
        self.listener = socket.socket()
        self.listener.bind((self.address, 443))
        self.listener.listen(0)
        self.queued = []
        for _ in range(3):
            each = socket.socket()
            each.setblocking(False)
            each.connect_ex((self.address, 443))
            self.queued.append(each)

    def close(self):
        for each in (*self.queued, self.listener):
            each.close()


def publish(dns, address, count, silent, n_silent):
    for i in range(count):
        domain = f"d{i:05}.example"
        # Every n-th one, so that they are not together.
        is_silent = n_silent and i % (count // n_silent) == 1
        for name in NAMES:
            dns.host(f"{name}.{domain}", silent.address if is_silent else address)
        dns.add(f"srv-host=_imaps._tcp.{domain},{MAIL},993,0,1",
                f"srv-host=_submissions._tcp.{domain},{MAIL},465,0,1")
        for label in ("_imap", "_pop3s", "_pop3", "_submission"):
            dns.add(f"srv-host={label}._tcp.{domain}")


def reverse(address):
    return ".".join(reversed(address.split("."))) + ".in-addr.arpa"


def examine(daemon, dns, authority):
    """Seconds, processor seconds, and the findings."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.monotonic()
    result = daemon.ctl("doctor", "--all", "--resolver", dns.address, "--ca", authority.file, "--json",
                        check=False)
    took = time.monotonic() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return took, used, json.loads(result.stdout), result.stderr


def measure(count, n_silent):
    silent = Silent()
    with bench.directory() as directory:
        authority = bench.Authority(directory, count)
        daemon = bench.Server(directory / "daemon", authority, is_bound=False)
        address = world.address()
        daemon.settings["server"]["listen-https"] = f"{address}:443"
        daemon.settings["server"]["public-name"] = "autoconfig.d00000.example"
        daemon.settings["tls"]["certificates"] = f"{authority.served}/*.pem"
        start.fill(daemon, count)
        daemon.ctl("provider", "set", "d00000.example", f"imaps://{MAIL}", f"submissions://{MAIL}")
        dns = world.Dns(directory / "dns")
        publish(dns, address, count, silent, n_silent)
        mail = world.Dovecot(directory / "dovecot", authority.certificate(MAIL), hostname=MAIL)
        dns.host(MAIL, mail.address).add(f"ptr-record={reverse(mail.address)},{MAIL}")
        try:
            dns.start()
            daemon.start()
            took, used, findings, stderr = examine(daemon, dns, authority)
        finally:
            daemon.stop()
            dns.stop()
            mail.stop()
            silent.close()
    kinds = {}
    for each in findings:
        kinds.setdefault(each["kind"], set()).add(each["domain"])
    # What is well is found well, and only what leads nowhere is not reached.
    assert len(kinds["settings"]) == count - n_silent, stderr
    assert len(kinds["service"]) == count, stderr
    assert len(kinds.get("unreachable", ())) == n_silent, stderr
    return [f"{count} domains, {n_silent} that lead nowhere", f"{took:.1f}", f"{took * 1000 / count:.0f}",
            f"{used:.1f}", str(len(findings))]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="number of domains (1000)")
    parser.add_argument("--silent", type=int, default=50, help="of which so many lead nowhere (50)")
    options = parser.parse_args()
    if os.geteuid() != 0 or not (shutil.which("dnsmasq") and shutil.which("dovecot")):
        bench.note("skipped: it needs root, dnsmasq and Dovecot")
        return 0
    rows = [measure(options.count, n_silent) for n_silent in (0, options.silent)]
    bench.print_table([["", "seconds", "ms per domain", "processor seconds", "findings"], *rows])
    return 0


if __name__ == "__main__":
    sys.exit(main())
