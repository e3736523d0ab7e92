"""What the system tests share: certificates of a test CA, and a daemon started for real."""
import ctypes
import fcntl
import os
import pathlib
import pwd
import shutil
import socket
import struct
import subprocess
import sys
import tempfile

import pytest

from acme import Acme
from daemon import Daemon

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ.setdefault("MAILCONFD_BUILD", str(ROOT / "build"))
sys.path.insert(0, str(ROOT / "tests"))  # for the models of tests/clients

CLONE_NEWNET = 0x40000000  # os.unshare() came with Python 3.12
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def enter_network_namespace():
    """Gives this process and its children a loopback interface of their own, on which all ports are free. Without
    the right to do so, the tests run on the network of the machine."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) == 0:
        with socket.socket() as any_socket:
            fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))


def pytest_configure():
    enter_network_namespace()


class Authority:
    """The test CA. Certificates are made once for each list of names."""

    def __init__(self, directory):
        self.directory = directory
        self.made = {}
        self.run("ca")
        self.file = directory / "ca.pem"

    def run(self, *arguments):
        script = ROOT / "tests" / "certs" / "make.sh"
        subprocess.run([script, self.directory, *arguments], check=True, capture_output=True)

    def certificate(self, *names, options=()):
        key = (names, tuple(options))
        if key not in self.made:
            file = self.directory / f"{len(self.made):03}.pem"
            # With the root, so that nothing is missing from the chain.
            self.run("cert", file.name, "--with-root", *options, *names)
            self.made[key] = file
        return self.made[key]


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def build():
    return pathlib.Path(os.environ["MAILCONFD_BUILD"])


@pytest.fixture(scope="module")
def shared_acme(authority, tmp_path_factory):
    """One pebble and one dnsmasq for the tests of a module; the fixture 'acme' begins each."""
    instance = Acme(authority.directory / f"acme-{tmp_path_factory.mktemp('x').name}-{os.getpid()}", authority)
    yield instance
    instance.stop()


@pytest.fixture
def daemon(tmp_path, authority, build):
    """A daemon with nothing in its database yet and one certificate for many names."""
    instance = Daemon(tmp_path, authority, build)
    yield instance
    instance.stop()


@pytest.fixture
def service(authority, build):
    """A daemon whose directory others may enter, with a database that belongs to nobody, whose group can read the
    certificate. Only root can make it."""
    nobody = pwd.getpwnam("nobody")
    directory = pathlib.Path(tempfile.mkdtemp(prefix="mailconfd-"))
    directory.chmod(0o755)
    instance = Daemon(directory, authority, build)
    data = directory / "data"
    data.mkdir(mode=0o750)
    os.chown(data, nobody.pw_uid, nobody.pw_gid)
    instance.settings["database"]["file"] = data / "mailconfd.db"
    instance.setup(["domain", "add", "example.org", "imaps://imap.example.org"])
    os.chown(directory / "certificates" / "main.pem", 0, nobody.pw_gid)
    (directory / "certificates" / "main.pem").chmod(0o640)
    yield instance
    instance.stop()
    shutil.rmtree(directory)
