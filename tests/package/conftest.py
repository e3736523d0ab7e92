"""What the tests of the Debian package share: a release unpacked by debootstrap, in which the
package is built, and a machine of it that systemd has booted, into which it is installed.

MAILCONFD_RELEASE names the release (bookworm). MAILCONFD_DEBOOTSTRAP names a directory in which
unpacked releases are kept for the next time.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
RELEASE = os.environ.get("MAILCONFD_RELEASE", "bookworm")
MIRROR = "http://deb.debian.org/debian"
PATIENCE = 120

sys.path.insert(0, str(ROOT / "tests" / "system"))


def pytest_collection_modifyitems(items):
    missing = None
    if os.geteuid() != 0:
        missing = "only root can make a machine of another release"
    for program in "debootstrap", "systemd-nspawn", "nsenter", "curl":
        if not shutil.which(program):
            missing = f"{program} is not installed"
    if missing:
        for item in items:
            item.add_marker(pytest.mark.skip(reason=missing))


def run(*command, check=True, **options):
    result = subprocess.run(list(map(str, command)), text=True, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **options)
    assert not check or result.returncode == 0, f"{command}:\n{result.stdout[-6000:]}"
    return result


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    """The release as debootstrap unpacks it, with packages' lists."""
    kept = os.environ.get("MAILCONFD_DEBOOTSTRAP")
    directory = pathlib.Path(kept or tmp_path_factory.mktemp("base")) / RELEASE
    if not (directory / "var/lib/apt/lists/lock").exists():
        run("debootstrap", "--variant=minbase", RELEASE, directory, MIRROR)
        run("chroot", directory, "apt-get", "update")
    return directory


def copy(base, target):
    run("cp", "-a", "--reflink=auto", base, target)
    return target


# systemd-nspawn of Debian 12 does not know these yet.
LANDLOCK = "--system-call-filter=landlock_create_ruleset landlock_add_rule landlock_restrict_self"


def inside(directory, *command, check=True):
    """Runs the command there, with this machine's network."""
    return run("systemd-nspawn", "--quiet", f"--directory={directory}", "--register=no", "--keep-unit",
               LANDLOCK, "--console=pipe", "--setenv=DEBIAN_FRONTEND=noninteractive", "--setenv=LC_ALL=C.UTF-8",
               *command, check=check)


class Package:
    """The package and where it was built."""

    def __init__(self, directory):
        self.directory = directory
        self.tree = None

    def build(self):
        output = run(ROOT / "packaging" / "build-deb.sh", "--source", self.directory / "build").stdout
        self.tree = "/build/" + output.split()[-1].rpartition("/")[2]
        script = f"cd {self.tree} && apt-get build-dep -y -qq ./ && apt-get install -y -qq lintian && " \
                 "dpkg-buildpackage -us -uc"
        self.output = inside(self.directory, "sh", "-c", script).stdout

    @property
    def file(self):
        (file,) = (self.directory / "build").glob("mailconfd_*.deb")
        return file

    def of_version(self, version, target):
        """The same package under another version, as the next release would be."""
        tree = target.with_suffix("")
        run("dpkg-deb", "--raw-extract", self.file, tree)
        control = tree / "DEBIAN" / "control"
        lines = control.read_text().splitlines()
        lines = [f"Version: {version}" if line.startswith("Version:") else line for line in lines]
        control.write_text("\n".join(lines) + "\n")
        run("dpkg-deb", "--root-owner-group", "--build", tree, target)
        shutil.rmtree(tree)


@pytest.fixture(scope="session")
def package(base, tmp_path_factory):
    package = Package(copy(base, tmp_path_factory.mktemp("build") / "root"))
    package.build()
    yield package
    shutil.rmtree(package.directory)


class Machine:
    """A machine with systemd as PID 1 and a network of its own, without any way out."""

    def __init__(self, directory):
        self.directory = directory
        self.container = None
        self.leader = None

    def boot(self):
        self.log = open(self.directory.parent / "boot.log", "wb")
        self.container = subprocess.Popen(
            ["systemd-nspawn", f"--directory={self.directory}", "--boot", "--register=no", "--keep-unit",
             LANDLOCK, "--private-network", "--resolv-conf=off", "--console=passive"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.container.poll() is None:
            self.leader = self._find_leader()
            if self.leader and self.run("systemctl", "is-system-running", check=False).stdout.strip() in (
                    "running", "degraded"):
                return
            time.sleep(0.5)
        self.halt()
        pytest.skip("systemd does not boot in a container here:\n"
                    + (self.directory.parent / "boot.log").read_text(errors="replace")[-2000:])

    def _find_leader(self):
        """The PID 1 of the container, which is the child of systemd-nspawn's child."""
        children = pathlib.Path(f"/proc/{self.container.pid}/task/{self.container.pid}/children")
        for child in children.read_text().split():
            if pathlib.Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                return child
        return None

    def run(self, *command, check=True):
        return run("nsenter", f"--target={self.leader}", "--mount", "--uts", "--ipc", "--net", "--pid",
                   "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive",
                   "LC_ALL=C.UTF-8", "HOME=/root", *command, check=check)

    def curl(self, *arguments, check=True):
        """A client on this machine; its program is the host's."""
        return run("nsenter", f"--target={self.leader}", "--net", "curl", "--silent", "--show-error",
                   "--max-time", "60", *arguments, check=check)

    def halt(self):
        if self.container and self.container.poll() is None:
            self.container.terminate()
            try:
                self.container.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.container.kill()
                self.container.wait()
        self.log.close()


@pytest.fixture(scope="session")
def machine(base, package, tmp_path_factory):
    machine = Machine(copy(base, tmp_path_factory.mktemp("machine") / "root"))
    shutil.copy(package.file, machine.directory / "root" / "mailconfd.deb")
    package.of_version("9.9.9", machine.directory / "root" / "next.deb")
    # It has no network once it has booted: what the package depends on is fetched before.
    inside(machine.directory, "apt-get", "install", "-y", "-qq", "--no-install-recommends",
           "systemd", "systemd-sysv", "dbus")
    inside(machine.directory, "apt-get", "install", "-y", "-qq", "--no-install-recommends",
           "--download-only", "/root/mailconfd.deb")
    machine.boot()
    yield machine
    machine.halt()
    shutil.rmtree(machine.directory)
