#!/usr/bin/python3
"""What a request costs the server, beside nginx serving a static file of the same size."""
import argparse
import os
import statistics
import subprocess
import sys

import bench
from daemon import free_port

DOMAIN = "d00000.example"
HOST = f"autoconfig.{DOMAIN}"
ADDRESS = f"first.last@{DOMAIN}"
SERVICES = (f"imaps://imap.{DOMAIN}", f"submissions://smtp.{DOMAIN}")

# What it is called, the load client's mode, how often it is asked in a round, and what.
LOADS = (
    ("full handshake, POST Outlook", "full", 300, "outlook"),
    ("resumed handshake, POST Outlook", "resume", 300, "outlook"),
    ("keep-alive, GET autoconfig", "keep", 5000, "autoconfig"),
    ("keep-alive, POST Outlook", "keep", 5000, "outlook"),
)

NGINX = """\
{user}
daemon off;
worker_processes 1;
pid {directory}/pid;
error_log {directory}/error.log;
events {{ worker_connections 1024; }}
http {{
	sendfile on;
	tcp_nopush on;
	keepalive_requests 1000000;
	default_type text/xml;
	access_log {directory}/access.log;
	client_body_temp_path {directory}/body;
	proxy_temp_path {directory}/proxy;
	fastcgi_temp_path {directory}/fastcgi;
	uwsgi_temp_path {directory}/uwsgi;
	scgi_temp_path {directory}/scgi;
	server {{
		listen 127.0.0.1:{port} ssl;
		ssl_protocols TLSv1.2 TLSv1.3;
		ssl_certificate {certificate};
		ssl_certificate_key {certificate};
		root {directory}/root;
	}}
}}
"""


class Mailconfd:
    def __init__(self, directory, authority):
        self.daemon = bench.Server(directory / "mailconfd", authority)
        self.daemon.settings["server"]["public-name"] = HOST
        self.daemon.ctl("domain", "add", DOMAIN, *SERVICES)
        self.daemon.ctl("user", "add", ADDRESS, "a4711")
        self.port = self.daemon.port
        self.requests = {
            name: bench.write_requests(directory / name, [getattr(bench, name)(ADDRESS)])
            for name in ("outlook", "autoconfig")
        }

    def start(self):
        self.daemon.start()

    def pids(self):
        return [self.daemon.process.pid]

    def answer(self, name):
        return self.daemon.ask(self.requests[name].read_bytes()[:-1], HOST)

    def stop(self):
        self.daemon.stop()


class Nginx:
    """Serves a file of the size of each answer."""

    def __init__(self, program, directory, authority, sizes):
        self.directory = directory / "nginx"
        (self.directory / "root").mkdir(parents=True)
        self.port = free_port()
        self.requests = {}
        for name, size in sizes.items():
            (self.directory / "root" / f"{name}.xml").write_bytes(b"x" * size)
            request = bench.http("GET", f"/{name}.xml", HOST)
            self.requests[name] = bench.write_requests(self.directory / name, [request])
        settings = self.directory / "nginx.conf"
        settings.write_text(NGINX.format(
            # Else the worker of root's nginx may not read what is root's.
            user="user root;" if os.geteuid() == 0 else "",
            directory=self.directory, port=self.port, certificate=authority.certificate(),
        ))
        self.command = [program, "-p", self.directory, "-e", self.directory / "error.log",
                        "-c", settings]
        self.process = None

    def start(self):
        self.process = subprocess.Popen(bench.on_processor(bench.SERVER, self.command))
        bench.wait_for_port(self.port)

    def pids(self):
        master = self.process.pid
        with open(f"/proc/{master}/task/{master}/children", encoding="ascii") as children:
            return [master, *map(int, children.read().split())]

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(timeout=10)


def run(server, mode, count, name, authority):
    return bench.load(mode, count, server.port, HOST, authority, server.requests[name],
                      server.pids())


def cells(results, references):
    def column(key):
        return [result[key] for result in results]

    costs = column("server_micros")
    ratio = "-"
    if references:
        ratio = f"{bench.paired(costs, [one['server_micros'] for one in references]):.2f}"
    best, middle = max(column("per_second")), statistics.median(column("per_second"))
    p50, p99 = (statistics.median(column(key)) for key in ("p50", "p99"))
    return [bench.low_and_middle(costs), ratio, f"{best:.0f} / {middle:.0f}",
            f"{p50:.0f} / {p99:.0f}"]


def compare(ours, peer, rounds, authority):
    rows = [["", "us CPU per request", "paired ratio", "requests/s", "us p50 / p99"]]
    for title, mode, count, name in LOADS:
        results, references = [], []
        for _ in range(rounds):
            results.append(run(ours, mode, count, name, authority))
            if peer:
                references.append(run(peer, mode, count, name, authority))
        rows.append([title, *cells(results, references)])
        if peer:
            rows.append(["  nginx, GET of a file", *cells(references, references)])
    bench.print_table(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    program = bench.find_program("nginx")
    if bench.SERVER == bench.CLIENT:
        bench.note("there is one processor only: server and client share it")
    if not program:
        bench.note("nginx is not installed (Debian: nginx-light): no comparison")
    peer = None
    with bench.directory() as directory:
        authority = bench.Authority(directory)
        ours = Mailconfd(directory, authority)
        try:
            ours.start()
            sizes = {name: len(ours.answer(name).body) for name in ours.requests}
            if program:
                peer = Nginx(program, directory, authority, sizes)
                peer.start()
            bench.note(f"TLS 1.3, ECDSA P-256, 4 connections, {rounds} rounds in turns; min / "
                       f"median, requests/s best / median; answers of {sizes} bytes")
            compare(ours, peer, rounds, authority)
        finally:
            if peer:
                peer.stop()
            ours.stop()


if __name__ == "__main__":
    sys.exit(main())
