"""What the service manager is told (sd_notify(3)), and when it is told nothing."""
import ctypes
import os
import re
import signal
import socket
import subprocess
import time

import pytest

from daemon import PATIENCE
from test_life import CONFIG

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000


class Manager:
    """The service manager's end of the socket."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(PATIENCE)

    def next(self):
        """The next message but for pings, as a dictionary."""
        while True:
            message = self.socket.recv(4096).decode()
            if message != "WATCHDOG=1":
                return dict(line.split("=", 1) for line in message.split("\n"))

    def pings(self):
        """How many messages have come by now; all of them must be pings."""
        count = 0
        self.socket.setblocking(False)
        try:
            while True:
                assert self.socket.recv(4096) == b"WATCHDOG=1"
                count += 1
        except BlockingIOError:
            return count
        finally:
            self.socket.settimeout(PATIENCE)

    def wait_for_ping(self):
        assert self.socket.recv(4096) == b"WATCHDOG=1"


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path, monkeypatch):
    path = str(tmp_path / "notify")
    address = path if request.param == "path" else "\0" + path
    monkeypatch.setenv("NOTIFY_SOCKET", address.replace("\0", "@"))
    instance = Manager(address)
    yield instance
    instance.socket.close()


@pytest.fixture
def served(daemon):
    daemon.setup(["domain", "add", "example.org", "imaps://imap.example.org"])
    return daemon


def test_life(served, manager):
    served.start()
    assert manager.next() == {"READY": "1", "STATUS": "serving 1 certificate"}

    served.add_certificate("second", "second.example.org")
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    served.reload()
    reloading = manager.next()
    assert reloading["RELOADING"] == "1"
    assert before <= int(reloading["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert manager.next() == {"READY": "1", "STATUS": "serving 2 certificates"}

    (served.directory / "certificates" / "second.pem").write_text("nonsense")
    unusable = f"serving 2 certificates, 1 unusable: {served.directory}/certificates/second.pem"
    assert manager.next() == {"STATUS": unusable}, "without a reload"
    served.reload()
    assert "RELOADING" in manager.next()
    ready = manager.next()
    assert ready["READY"] == "1" and ready["STATUS"] == f"{unusable}; not all could be reloaded, see the log"

    served.stop()
    assert manager.next()["STOPPING"] == "1"
    assert manager.pings() == 0, "nobody asked for them"


def test_failure_is_the_status(served, manager):
    served.settings["database"]["file"] = served.directory / "absent.db"
    served.spawn()
    assert served.wait() == 1
    served.process = None
    told = manager.next()
    assert "absent.db" in told["STATUS"] and "READY" not in told


def hang(thread):
    """Stops one thread, as a loop or a lock would. Returns what lets it go on."""
    libc = ctypes.CDLL(None, use_errno=True)

    def ptrace(request):
        if libc.ptrace(request, thread, None, None) < 0:
            pytest.skip(f"ptrace: {os.strerror(ctypes.get_errno())} (as root it can)")

    ptrace(PTRACE_SEIZE)
    ptrace(PTRACE_INTERRUPT)
    os.waitpid(thread, WALL)
    return lambda: ptrace(PTRACE_DETACH)


def test_watchdog_hears_only_of_workers_that_turn(served, manager, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "400000")
    served.start()
    assert manager.next()["READY"] == "1"
    for _ in range(3):
        manager.wait_for_ping()
    workers = sorted(set(map(int, os.listdir(f"/proc/{served.process.pid}/task"))) - {served.process.pid})
    assert len(workers) == 2
    go_on = hang(workers[1])
    served.wait_for_log("worker threads hang: count=1 silent=100ms")
    # The other workers may be late too on a busy machine; but soon there is silence.
    deadline, pings = time.monotonic() + PATIENCE, 1
    while pings and time.monotonic() < deadline:
        manager.pings()
        time.sleep(1)
        pings = manager.pings()
    go_on()
    assert pings == 0
    manager.wait_for_ping()
    assert served.get(CONFIG).status == 200


LATE = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/epoll.h>
#include <unistd.h>
int epoll_wait(int epoll, struct epoll_event *events, int max, int timeout)
{
	static __thread int was_here;
	int (*real)(int, struct epoll_event *, int, int) = dlsym(RTLD_NEXT, "epoll_wait");

	if (!was_here)
		usleep(300000);
	was_here = 1;
	return real(epoll, events, max, timeout);
}
"""


def test_threads_that_begin_late_do_not_hang(served, manager, monkeypatch, tmp_path):
    """As on a busy machine: the daemon is ready before its threads have run."""
    if os.environ.get("MAILCONFD_MODE") in ("sanitize", "valgrind"):
        pytest.skip("the sanitizer's library must be the first that is loaded")
    (tmp_path / "late.c").write_text(LATE)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", tmp_path / "late.so", tmp_path / "late.c", "-ldl"], check=True)
    served.write_settings()
    monkeypatch.setenv("WATCHDOG_USEC", "4000000")
    monkeypatch.setenv("LD_PRELOAD", str(tmp_path / "late.so"))
    served.start()
    assert manager.next()["READY"] == "1"
    manager.wait_for_ping()
    assert "hang" not in served.log()


def test_reloads_do_not_keep_pings_back(served, manager, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "2000000")
    served.start()
    manager.next()
    seen = []
    deadline = time.monotonic() + PATIENCE
    while "WATCHDOG=1" not in seen and time.monotonic() < deadline:
        served.process.send_signal(signal.SIGHUP)
        seen += [manager.socket.recv(4096).decode()]
    assert "WATCHDOG=1" in seen


def test_watchdog_of_another_process(served, manager, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "40000")
    monkeypatch.setenv("WATCHDOG_PID", "1")
    served.start()
    manager.next()
    served.stop()
    assert re.match("STOPPING=1", manager.socket.recv(4096).decode())


def test_nobody_listens(served, monkeypatch, tmp_path):
    """The daemon serves without its service manager."""
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "absent"))
    served.start()
    assert served.get(CONFIG).status == 200
