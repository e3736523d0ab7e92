"""What the benchmarks share: certificates made at once, a daemon bound to one processor, the load
client, and how figures are taken and printed."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))

from daemon import Daemon  # noqa: E402  (the path to it is known only now)

BUILD = pathlib.Path(os.environ.get("MAILCONFD_BUILD", HERE.parents[1] / "build"))

# Ended from outside, a benchmark leaves by its finally clauses.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


class Authority:
    """The test CA, and certificates for d00000.example and so on, with all three names of each."""

    def __init__(self, directory, count=1):
        program = BUILD / "tests" / "bench" / "bench-certificates"
        subprocess.run([program, directory, str(count)], check=True)
        self.file = directory / "ca.pem"
        self.served = directory / "served"

    def certificate(self, *_names, options=()):
        """Of the first domain, whatever is asked for."""
        assert not options
        return self.served / "00000.pem"


class Server(Daemon):
    """A daemon with one thread on one processor, unless it gets all of them."""

    def __init__(self, directory, authority, is_bound=True):
        directory.mkdir()
        super().__init__(directory, authority, BUILD)
        self.is_bound = is_bound
        self.settings["server"]["threads"] = "1" if is_bound else "auto"

    @property
    def log_file(self):
        """In no directory that is watched for certificates, or each line would wake the main thread."""
        (self.directory / "log").mkdir(exist_ok=True)
        return self.directory / "log" / "log"

    def command(self, *arguments):
        command = super().command(*arguments)
        return on_processor(SERVER, command) if self.is_bound else command

    def stop(self):
        super().stop()
        for line in self.log().splitlines():
            assert not line.startswith("error: "), line


def processors():
    """One for the server and one for its clients; the same one if there is no other."""
    found = sorted(os.sched_getaffinity(0))
    return found[0], found[-1]


SERVER, CLIENT = processors()


def on_processor(number, command):
    return ["taskset", "-c", str(number), *map(str, command)]


@contextlib.contextmanager
def directory():
    """Gone with all that is in it in the end."""
    with tempfile.TemporaryDirectory(prefix="mailconfd-bench-") as name:
        yield pathlib.Path(name)


def processor_time(pid):
    """Of all threads that the process has or had, in nanoseconds: its clock of the kind that
    clock_getcpuclockid(3) gives."""
    return time.clock_gettime_ns((~pid << 3) | 2)


def resident_kilobytes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    raise AssertionError("no VmRSS")


def http(method, target, host, body=b"", headers=()):
    lines = [
        f"{method} {target} HTTP/1.1",
        f"Host: {host}",
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Thunderbird/153.7.0",
        "Accept: */*",
        "Accept-Language: en-US,en;q=0.9",
        *headers,
    ]
    if body:
        lines += ["Content-Type: text/xml; charset=utf-8", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def autoconfig(address):
    """As Thunderbird asks."""
    local, domain = address.split("@")
    target = f"/mail/config-v1.1.xml?emailaddress={local}%40{domain}"
    return http("GET", target, f"autoconfig.{domain}")


def outlook(address, host=None):
    """As Outlook asks."""
    schemas = "http://schemas.microsoft.com/exchange/autodiscover/outlook"
    body = (
        f'<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="{schemas}/requestschema/2006">'
        f"<Request><EMailAddress>{address}</EMailAddress><AcceptableResponseSchema>"
        f"{schemas}/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>"
    )
    host = host or f"autodiscover.{address.split('@')[1]}"
    return http("POST", "/autodiscover/autodiscover.xml", host, body.encode())


def profile(address):
    """As a browser asks for the profile of an Apple device."""
    local, domain = address.split("@")
    return http("GET", f"/mobileconfig?email={local}%40{domain}", f"autoconfig.{domain}")


def write_requests(path, requests):
    path.write_bytes(b"".join(request + b"\0" for request in requests))
    return path


def load(mode, count, port, host, authority, requests, pids=(), threads=4, options=()):
    """Runs the load client; see client.c for what it gives."""
    servers = [word for pid in pids for word in ("--server", str(pid))]
    program = BUILD / "tests" / "bench" / "bench-client"
    command = [program, "--threads", threads, *servers, *options, mode, count, port, host,
               authority.file, requests]
    result = subprocess.run(on_processor(CLIENT, command), check=True, stdout=subprocess.PIPE)
    return json.loads(result.stdout)


def wait_for_port(port, patience=60):
    """Returns once something listens there."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.0002)
    raise AssertionError(f"nothing listens on port {port}")


def run(*command):
    """Runs a program beside the server's processor, its output going where ours goes."""
    subprocess.run(on_processor(CLIENT, command), check=True)


def low_and_middle(values, digits=1):
    return f"{min(values):.{digits}f} / {statistics.median(values):.{digits}f}"


def paired(values, references):
    """The median of the ratios within each round: what the machine does meanwhile cancels out."""
    return statistics.median(a / b for a, b in zip(values, references))


def print_table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        print("  ".join([row[0].ljust(widths[0]), *cells]), flush=True)


def note(*words):
    print(*words, flush=True)


def find_program(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
