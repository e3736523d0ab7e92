"""The world that the doctor looks at: a resolver, mail servers and web sites on loopback, each started in a directory
of its own. Addresses are chosen at random within 127.0.0.0/8, so that the usual ports are free."""
import os
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

PATIENCE = 60


def address():
    """A loopback address that nobody else uses."""
    return f"127.{random.randint(1, 254)}.{random.randint(0, 255)}.{random.randint(1, 254)}"


PROGRAMS = ("dnsmasq", "dovecot", "nginx")
PORTS = (53, 80, 110, 143, 443, 465, 587, 993, 995, 4190)


def obstacle():
    """Why there can be no world here; None where there can."""
    if os.geteuid() != 0:
        return "needs root, for ports below 1024 of loopback addresses"
    for program in PROGRAMS:
        if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin"):
            return f"needs {program}"
    for port in PORTS:
        with socket.socket() as probe:
            try:
                probe.bind((address(), port))
            except OSError:
                return f"needs port {port}, which somebody has on all addresses"
    return None


def wait_for_port(host, port, process=None):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex((host, port)) == 0:
                return
        assert process is None or process.poll() is None, f"it ended with {process.returncode}"
        time.sleep(0.02)
    raise AssertionError(f"nobody listens at {host}:{port}")


class Process:
    def __init__(self, *command, log):
        self.log = log
        with open(log, "wb") as out:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                            start_new_session=True)

    def stop(self):
        """Ends it with the children that it made."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


class Dns:
    """dnsmasq with records that a test can change; it forwards nothing."""

    def __init__(self, directory):
        self.directory = directory
        directory.mkdir()
        self.address = address()
        self.lines = []
        self.process = None

    def add(self, *lines):
        self.lines += lines
        return self

    def host(self, name, *addresses):
        return self.add(*(f"host-record={name},{each}" for each in addresses))

    def remove(self, start):
        kept = [line for line in self.lines if not line.startswith(start)]
        assert len(kept) < len(self.lines), f"no record begins with {start}"
        self.lines = kept
        return self

    def start(self):
        config = self.directory / "dnsmasq.conf"
        config.write_text("\n".join([
            "no-resolv", "no-hosts", "keep-in-foreground", "bind-interfaces", "port=53", "user=root", "no-poll",
            f"listen-address={self.address}", "except-interface=nothing", "pid-file=",
            "auth-ttl=60", "local-ttl=60", "log-facility=-", "local=/#/", *self.lines]) + "\n")
        self.process = Process("dnsmasq", "--no-daemon", f"--conf-file={config}", log=self.directory / "log")
        wait_for_port(self.address, 53, self.process.process)
        return self

    def stop(self):
        if self.process:
            self.process.stop()
            self.process = None

    def restart(self):
        self.stop()
        return self.start()


class Dovecot:
    """Dovecot for IMAP, POP3, submission and ManageSieve, on all their ports of one address."""

    def __init__(self, directory, certificate, **options):
        directory.mkdir(mode=0o755)
        self.address = options.get("address") or address()
        self.log = directory / "log"
        # The path of a socket is short, and Dovecot's own user must reach it.
        self.base = directory / "r"
        listeners = {
            "imap-login": (("imap", 143, False), ("imaps", 993, True)),
            "pop3-login": (("pop3", 110, False), ("pop3s", 995, True)),
            "submission-login": (("submission", 587, False), ("submissions", 465, True)),
            "managesieve-login": (("sieve", 4190, False),),
        }
        services = "".join(
            f"service {name} {{\n  chroot =\n" + "".join(
                f"  inet_listener {label} {{\n    address = {self.address}\n    port = {port}\n"
                f"    ssl = {'yes' if tls else 'no'}\n  }}\n" for label, port, tls in ports) + "}\n"
            for name, ports in listeners.items())
        config = directory / "dovecot.conf"
        config.write_text(
            f"protocols = imap pop3 submission sieve\nbase_dir = {self.base}\nlog_path = {self.log}\n"
            f"state_dir = {directory / 'state'}\n"
            # The users that the package of Dovecot creates exist only where it is installed.
            "default_internal_user = daemon\ndefault_internal_group = daemon\ndefault_login_user = nobody\n"
            f"listen = {self.address}\nhostname = {options.get('hostname', 'mail.example.org')}\n"
            f"ssl = {options.get('ssl', 'yes')}\nssl_cert = <{certificate}\nssl_key = <{certificate}\n"
            f"ssl_min_protocol = TLSv1.2\nauth_mechanisms = {options.get('mechanisms', 'plain login')}\n"
            "disable_plaintext_auth = yes\nsubmission_relay_host = 127.0.0.1\n"
            "passdb {\n  driver = static\n  args = password=secret\n}\n"
            "userdb {\n  driver = static\n  args = uid=nobody gid=nogroup home=/nonexistent\n}\n" + services)
        self.process = Process("dovecot", "-F", "-c", str(config), log=directory / "output")
        wait_for_port(self.address, 993 if options.get("ssl", "yes") != "no" else 143, self.process.process)

    def stop(self):
        self.process.stop()


class Nginx:
    """nginx with the blocks that a test writes."""

    def __init__(self, directory, servers):
        directory.mkdir()
        config = directory / "nginx.conf"
        places = "".join(f"  {kind}_temp_path {directory / kind};\n"
                         for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        config.write_text(
            f"daemon off;\nmaster_process off;\npid {directory / 'pid'};\nerror_log {directory / 'errors'};\n"
            f"events {{}}\nhttp {{\n  access_log off;\n  default_type text/html;\n{places}{servers}\n}}\n")
        self.process = Process("nginx", "-c", str(config), "-e", str(directory / "errors"), log=directory / "output")
        for host, port in re.findall(r"listen ([0-9.]+):(\d+)", servers):
            wait_for_port(host, int(port), self.process.process)

    def stop(self):
        self.process.stop()


class Server:
    """A server that says what no server from a package would say: serve(connection) for each connection."""

    def __init__(self, host, port, serve, certificate=None):
        self.serve = serve
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate)
        self.listener = socket.create_server((host, port))
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            with connection:
                connection.settimeout(PATIENCE)
                if self.context:
                    connection = self.context.wrap_socket(connection, server_side=True)
                self.serve(connection)
        except OSError:
            pass

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(timeout=PATIENCE)


needed = pytest.mark.skipif(bool(obstacle()), reason=obstacle() or "")
