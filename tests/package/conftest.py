"""What the tests of the Debian package share: a release unpacked by debootstrap, in which the
package is built, and another copy of it into which it is installed, first as it is and then
booted by systemd.

MAILCONFD_RELEASE names the release (bookworm). MAILCONFD_DEBOOTSTRAP names a directory in which
unpacked releases are kept for the next time.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
RELEASE = os.environ.get("MAILCONFD_RELEASE", "bookworm")
MIRROR = "http://deb.debian.org/debian"
PATIENCE = 120

sys.path.insert(0, str(ROOT / "tests" / "system"))


# Apart from this machine's processes and mounts, which is all that chroot leaves open.
NAMESPACES = ["unshare", "--mount", "--pid", "--fork"]


def obstacle():
    """What keeps this machine from running any of the tests, or None."""
    if os.geteuid() != 0:
        return "only root can unpack another release"
    for program in "debootstrap", "unshare":
        if not shutil.which(program):
            return f"{program} is not installed"
    if subprocess.run([*NAMESPACES, "true"], capture_output=True, check=False).returncode:
        return "this machine allows no namespaces"
    try:
        urllib.request.urlopen(f"{MIRROR}/dists/{RELEASE}/Release", timeout=30).close()
    except OSError as error:
        return f"{MIRROR} does not answer: {error}"
    return None


def pytest_collection_modifyitems(items):
    reason = obstacle()
    for item in items if reason else []:
        item.add_marker(pytest.mark.skip(reason=reason))


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
    if not (directory / "debootstrapped").exists():
        result = run("debootstrap", "--variant=minbase", RELEASE, directory, MIRROR, check=False)
        if result.returncode != 0:
            pytest.skip(f"debootstrap fails here: {result.stdout.strip().splitlines()[-1]}")
        (directory / "debootstrapped").touch()
    # Packages of an older list may be gone from the mirror.
    inside(directory, "apt-get", "update", "-qq")
    return directory


def copy(base, target):
    run("cp", "-a", "--reflink=auto", base, target)
    # Nobody needs it after a loss of power, and waiting for the disk takes most of an installation.
    (target / "etc/dpkg/dpkg.cfg.d/test").write_text("force-unsafe-io\n")
    (target / "etc/apt/apt.conf.d/test").write_text('Acquire::Retries "3";\n')
    shutil.copy("/etc/resolv.conf", target / "etc")
    return target


ENVIRONMENT = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive",
               "LC_ALL=C.UTF-8", "HOME=/root"]


def inside(directory, *command, check=True, network=True):
    """Runs the command there, where nothing else runs, with this machine's network or none."""
    namespaces = NAMESPACES if network else [*NAMESPACES, "--net"]
    return run(*namespaces, f"--root={directory}", "--mount-proc", *ENVIRONMENT, *command, check=check)


def install_command(*packages):
    return ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]


class Package:
    """The package and where it was built."""

    def __init__(self, directory):
        self.directory = directory
        self.tree = None

    def build(self):
        output = run(ROOT / "packaging" / "build-deb.sh", "--source", self.directory / "build").stdout
        self.tree = "/build/" + output.split()[-1].rpartition("/")[2]
        inside(self.directory, "sh", "-c", f"cd {self.tree} && apt-get build-dep -y -qq ./")
        self.output = inside(self.directory, "sh", "-c", f"cd {self.tree} && dpkg-buildpackage -us -uc").stdout
        inside(self.directory, *install_command("lintian"))

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


# systemd-nspawn of Debian 12 does not know these yet.
LANDLOCK = "--system-call-filter=landlock_create_ruleset landlock_add_rule landlock_restrict_self"
NETWORK = "pebble", "dnsmasq-base", "ca-certificates"
ADDRESS = "192.0.2.10"


class Machine:
    """A machine with systemd as PID 1 and a network of its own, without any way out. What a closed
    network has runs on it too: DNS, and an authority that gives certificates, with a root of its own.
    """

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
        log = (self.directory.parent / "boot.log").read_text(errors="replace")
        print(log)
        pytest.skip(f"systemd does not boot in a container here: {' / '.join(log.strip().splitlines()[-3:])}")

    def _find_leader(self):
        """The PID 1 of the container, which is the child of systemd-nspawn's child."""
        children = pathlib.Path(f"/proc/{self.container.pid}/task/{self.container.pid}/children")
        for child in children.read_text().split():
            if pathlib.Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                return child
        return None

    def run(self, *command, check=True):
        return run("nsenter", f"--target={self.leader}", "--mount", "--uts", "--ipc", "--net", "--pid",
                   *ENVIRONMENT, *command, check=check)

    def curl(self, *arguments, check=True):
        """A client on this machine; its program is the host's."""
        return run("nsenter", f"--target={self.leader}", "--net", "curl", "--silent", "--show-error",
                   "--max-time", "60", *arguments, check=check)

    def join_network(self, authority, names, validity):
        """The authority's certificates are good for so many seconds. Returns the URL of its directory."""
        run("nsenter", f"--target={self.leader}", "--net", "ip", "address", "add", f"{ADDRESS}/32", "dev", "lo")
        (self.directory / "etc/resolv.conf").write_text("nameserver 127.0.0.1\n")
        self.run("systemd-run", "dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--local=/#/",
                 *(f"--host-record={name},{ADDRESS}" for name in names))
        shutil.copy(authority / "ca.pem", self.directory / "usr/local/share/ca-certificates/network.crt")
        self.run("update-ca-certificates")
        run(ROOT / "tests/certs/make.sh", authority, "pair", "pebble", "localhost", ADDRESS)
        shutil.copytree(authority / "pebble", self.directory / "opt/pebble")
        (self.directory / "opt/pebble/pebble.json").write_text(json.dumps({"pebble": {
            "listenAddress": f"{ADDRESS}:14000", "managementListenAddress": f"{ADDRESS}:15000",
            "certificate": "fullchain.pem", "privateKey": "privkey.pem", "httpPort": 80, "tlsPort": 443,
            "certificateValidityPeriod": validity}}))
        self.run("systemd-run", "--working-directory=/opt/pebble", "--setenv=PEBBLE_VA_NOSLEEP=1",
                 "--setenv=PEBBLE_WFE_NONCEREJECT=0", "pebble", "-config", "pebble.json")
        root = self.curl("--cacert", authority / "ca.pem", "--fail", "--retry", "60", "--retry-delay", "1",
                         "--retry-connrefused", f"https://{ADDRESS}:15000/roots/0").stdout
        (authority / "root.pem").write_text(root)
        return f"https://{ADDRESS}:14000/dir"

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
def tree(base, package, tmp_path_factory):
    """The release with the package and its next version in /root, to be installed."""
    tree = copy(base, tmp_path_factory.mktemp("machine") / "root")
    shutil.copy(package.file, tree / "root" / "mailconfd.deb")
    package.of_version("9.9.9", tree / "root" / "next.deb")
    yield tree
    shutil.rmtree(tree)


@pytest.fixture(scope="session")
def machine(tree):
    for program in "systemd-nspawn", "nsenter", "curl", "ip":
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    # It has no network once it has booted: what the package depends on is fetched before.
    inside(tree, *install_command("systemd", "systemd-sysv", "dbus", *NETWORK))
    inside(tree, "apt-get", "install", "-y", "-qq", "--download-only", "/root/mailconfd.deb")
    machine = Machine(tree)
    machine.boot()
    yield machine
    machine.halt()
