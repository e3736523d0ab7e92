"""A mailconfd in a directory of its own, and a client that asks it over verified TLS."""
import collections
import os
import re
import select
import shlex
import signal
import socket
import ssl
import subprocess
import time

import activation

NAMES = tuple(
    f"{prefix}{domain}"
    for domain in ("example.com", "example.org", "example.net", "example.test", "mx.example.net")
    for prefix in ("", "*.")
)

# A sanitizer or valgrind makes everything slower; nothing here asserts a time.
PATIENCE = 60


# Ports that were given out, the last ones.
held = collections.deque(maxlen=200)


def free_port():
    """A port that the kernel gives to nobody else on any address of this machine, because it stays
    bound. A server that sets SO_REUSEADDR can still listen on it."""
    family, everywhere = (socket.AF_INET6, "::") if socket.has_dualstack_ipv6() else (socket.AF_INET, "0.0.0.0")
    probe = socket.socket(family)
    if family == socket.AF_INET6:
        probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    probe.bind((everywhere, 0))
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.append(probe)
    return probe.getsockname()[1]


class Response:
    def __init__(self, raw):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines[1:])
        }
        self.raw = raw


class Connection:
    """One TLS (or plain) connection that sends exact bytes and reads whole responses."""

    def __init__(self, port, name=None, context=None, source="127.0.0.1"):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE, (source, 0))
        if context:
            self.socket = context.wrap_socket(self.socket, server_hostname=name)
        self.buffer = b""

    def send(self, data):
        self.socket.sendall(data)

    def receive(self, head_only=False):
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, _, _ = self.buffer.partition(b"\r\n\r\n")
        match = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        size = len(head) + 4 + (int(match.group(1)) if match and not head_only else 0)
        while len(self.buffer) < size:
            self._more()
        raw, self.buffer = self.buffer[:size], self.buffer[size:]
        return Response(raw)

    def _more(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the server closed the connection")
        self.buffer += data

    def ask(self, data):
        self.send(data)
        return self.receive(head_only=data.startswith(b"HEAD "))

    def is_closed(self):
        """Waits until the server has closed."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True

    def close(self):
        self.socket.close()


class UnixConnection(Connection):
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(str(path))
        self.buffer = b""


class Daemon:
    def __init__(self, directory, authority, build):
        self.directory = directory
        self.authority = authority
        self.build = build
        self.port = free_port()
        self.process = None
        self.descriptors = None  # how many it may have open
        self.options = ()  # of its command line
        self.launcher = []  # a program that starts it, with arguments
        self.working_directory = None
        self.sockets = []  # that are handed over to it: (name, socket)
        self.settings = {
            "server": {"listen-https": f"127.0.0.1:{self.port}", "threads": "2"},
            "tls": {"certificates": str(directory / "certificates" / "*.pem")},
            "database": {"file": str(directory / "mailconfd.db")},
            "templates": {},
            "log": {},
            # What any machine has open files for, so that no start warns of them.
            "limits": {"connections": "2000"},
        }
        (directory / "certificates").mkdir()
        self.add_certificate("main", *NAMES)

    def add_certificate(self, name, *names, options=()):
        target = self.directory / "certificates" / f"{name}.pem"
        temporary = target.with_suffix(".new")
        temporary.write_bytes(self.authority.certificate(*names, options=options).read_bytes())
        temporary.chmod(0o600)
        temporary.rename(target)

    @property
    def config(self):
        return self.directory / "mailconfd.conf"

    @property
    def log_file(self):
        return self.directory / "log"

    def log(self):
        return self.log_file.read_text() if self.log_file.exists() else ""

    def write_settings(self):
        with open(self.config, "w", encoding="utf-8") as out:
            for section, keys in self.settings.items():
                out.write(f"[{section}]\n")
                for key, value in keys.items():
                    out.write(f"{key} = {value}\n")

    def ctl(self, *arguments, check=True, **options):
        """Runs mailconfctl with the daemon's settings."""
        self.write_settings()
        result = subprocess.run(
            [self.build / "src" / "mailconfctl", "--config", self.config, *arguments],
            check=False,
            capture_output=True,
            text=True,
            **options,
        )
        assert not check or result.returncode == 0, result.stderr
        return result

    def setup(self, *commands):
        """Runs commands that change the database, each a list of words, as one batch."""
        self.ctl("batch", "-", input="".join(f"{shlex.join(map(str, words))}\n" for words in commands))

    def command(self, *arguments):
        program = [self.build / "src" / "mailconfd", "--config", self.config]
        program += [*self.options, *arguments]
        if os.environ.get("MAILCONFD_MODE") == "valgrind":
            leaks = ("--leak-check=full", "--errors-for-leak-kinds=definite,indirect")
            program = ["valgrind", "-q", *leaks, "--error-exitcode=99", *program]
        if self.descriptors:
            program = ["prlimit", f"--nofile={self.descriptors}:{self.descriptors}", *program]
        program = [*self.launcher, *program]
        if self.sockets:
            program = activation.command(self.sockets, program)
        return program

    def open_descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def spawn(self):
        self.write_settings()
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=self.working_directory,
                pass_fds=[sock.fileno() for _, sock in self.sockets],
            )

    def start(self):
        before = self.log().count("ready: ")
        self.spawn()
        self.wait_for_log("ready: ", before + 1)
        return self

    def wait_for_log(self, words, count=1):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.log().count(words) >= count:
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        raise AssertionError(f"'{words}' is not in the log:\n{self.log()}")

    def reload(self):
        before = self.log().count("reloaded")
        self.process.send_signal(signal.SIGHUP)
        self.wait_for_log("reloaded", before + 1)

    def wait(self):
        """Waits for its end without the pauses of Popen.wait() with a timeout."""
        if self.process.poll() is None:
            descriptor = os.pidfd_open(self.process.pid)
            select.select([descriptor], [], [], PATIENCE)
            os.close(descriptor)
        return self.process.wait(timeout=0)

    def stop(self):
        """Ends the daemon, which must do so without complaint."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
        status = self.wait()
        self.process = None
        assert status == 0, f"mailconfd ended with {status}:\n{self.log()}"

    def context(self):
        return ssl.create_default_context(cafile=self.authority.file)

    def connect(self, name="autoconfig.example.org", context=None, source="127.0.0.1"):
        return Connection(self.port, name, context or self.context(), source)

    def ask(self, data, name="autoconfig.example.org"):
        connection = self.connect(name)
        try:
            return connection.ask(data)
        finally:
            connection.close()

    def get(self, target, host="autoconfig.example.org"):
        return self.ask(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode(), host)

    def post(self, body, host="autodiscover.example.org", target="/autodiscover/autodiscover.xml"):
        body = body.encode() if isinstance(body, str) else body
        head = f"POST {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n"
        return self.ask(head.encode() + body, host)
