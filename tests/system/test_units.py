"""The units of systemd, as far as they can be looked at without running it."""
import configparser
import re
import shutil
import subprocess

import pytest

from conftest import ROOT

UNITS = ROOT / "packaging" / "systemd"


@pytest.fixture
def analyze():
    program = shutil.which("systemd-analyze")
    if not program:
        pytest.skip("systemd-analyze is not installed")
    return program


def test_renewal(analyze, build, tmp_path):
    """They are well-formed, and the service may do little."""
    service = (UNITS / "mailconfd-renew.service").read_text()
    command = "ExecStart=mailconfctl certificate renew --scheduled\n"
    assert command in service
    installed = service.replace(command, f"ExecStart={build / 'src' / 'mailconfctl'} certificate renew --scheduled\n")
    (tmp_path / "mailconfd-renew.service").write_text(installed)
    shutil.copy(UNITS / "mailconfd-renew.timer", tmp_path)
    files = [tmp_path / "mailconfd-renew.service", tmp_path / "mailconfd-renew.timer"]
    result = subprocess.run([analyze, "verify", "--man=no", *files], capture_output=True, text=True)
    ours = [line for line in result.stderr.splitlines() if "mailconfd-renew" in line]
    assert ours == []
    result = subprocess.run([analyze, "security", "--offline=true", "--threshold=30", files[0]],
                            capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def section(unit, name):
    """What a section says; of settings that are said several times, the last."""
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters="=")
    parser.optionxform = str
    parser.read(UNITS / unit)
    return parser[name]


SERVICES = sorted(path.name for path in UNITS.glob("*.service"))


@pytest.mark.parametrize("unit", SERVICES)
def test_keys_stay_in_memory(unit):
    """Both hold keys; neither a core dump nor a file that others can read may have them."""
    service = section(unit, "Service")
    assert service["LimitCORE"] == "0"
    assert service["UMask"] in ("0077", "0027")
    assert service["PrivateTmp"] == "yes"


@pytest.mark.parametrize("unit", SERVICES)
def test_memory_is_not_swapped(unit):
    assert section(unit, "Service")["MemorySwapMax"] == "0"


def test_memory_is_limited():
    """All connections of the shipped settings fit, each with the 92 KiB that it can hold."""
    connections = int(re.search(r"^connections = (\d+)$", (ROOT / "data/mailconfd.conf").read_text(), re.MULTILINE)[1])
    limit = re.fullmatch(r"(\d+)G", section("mailconfd.service", "Service")["MemoryMax"])
    assert connections * 92 * 2**10 < int(limit[1]) * 2**30 < 2 * connections * 92 * 2**10


def values(unit, key):
    return re.findall(rf"^{key}=(.*)$", (UNITS / unit).read_text(), re.MULTILINE)


def test_ports_of_other_services_are_closed():
    """The shipped settings and those that the manual names work; port 25 would not."""
    assert values("mailconfd.service", "SocketBindDeny") == ["any"]
    assert values("mailconfd.service", "SocketBindAllow") == ["tcp:80", "tcp:443", "tcp:1024-65535"]
    assert values("mailconfd-renew.service", "SocketBindDeny") == ["any"]
    assert values("mailconfd-renew.service", "SocketBindAllow") == ["udp"]


def test_service(analyze, build, tmp_path):
    text = (UNITS / "mailconfd.service").read_text()
    for command in "ExecStartPre=mailconfctl", "ExecStart=mailconfd":
        key, _, name = command.partition("=")
        assert f"\n{command}" in text
        text = text.replace(f"\n{command}", f"\n{key}={build / 'src' / name}")
    (tmp_path / "mailconfd.service").write_text(text)
    result = subprocess.run([analyze, "verify", "--man=no", tmp_path / "mailconfd.service"], capture_output=True,
                            text=True)
    assert [line for line in result.stderr.splitlines() if "mailconfd" in line] == []


def test_renewal_writes_to_its_directories_alone():
    service = section("mailconfd-renew.service", "Service")
    assert service["ProtectSystem"] == "strict" and service["ProtectHome"] == "yes"
    # Each may be elsewhere, and what is not there must not keep the unit from starting.
    assert service["ReadWritePaths"].split() == [
        "-/etc/mailconfd/certificates", "-/var/lib/mailconfd-acme", "-/var/lib/mailconfd"]
    assert set(service["CapabilityBoundingSet"].split()) == {
        "CAP_CHOWN", "CAP_DAC_READ_SEARCH", "CAP_SETGID", "CAP_SETUID"}


def test_renewal_ends():
    """A oneshot service has all the time there is unless told, and the timer waits for its end."""
    service = section("mailconfd-renew.service", "Service")
    assert service["Type"] == "oneshot" and service["TimeoutStartSec"] == "6h"


def test_timer_comes_often_enough(analyze):
    """A new domain gets its certificate within 15 minutes, the delay of the timer and the request included."""
    timer = section("mailconfd-renew.timer", "Timer")
    result = subprocess.run([analyze, "calendar", "--iterations=3", "--base-time=2026-01-01 01:00:00 UTC",
                             timer["OnCalendar"]],
                            capture_output=True, text=True, env={"TZ": "UTC", "LC_ALL": "C.UTF-8"}, check=True)
    times = re.findall(r": \w{3} (\S+ \S+) UTC$", result.stdout, re.MULTILINE)
    assert times == ["2026-01-01 01:10:00", "2026-01-01 01:20:00", "2026-01-01 01:30:00"]
    # Each machine has a time of its own, and keeps it, so that ten minutes stay ten minutes.
    assert timer["RandomizedDelaySec"] == "10min" and timer["FixedRandomDelay"] == "yes"
    assert timer["AccuracySec"] == "1min"
    # A machine that was off then does not wait for the next time.
    assert timer["Persistent"] == "yes"
    assert section("mailconfd-renew.timer", "Install")["WantedBy"] == "timers.target"
