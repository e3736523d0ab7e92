"""The units as systemd's own tools see them; test_package.py starts them."""
import re
import shutil
import subprocess

import pytest

from conftest import ROOT

UNITS = ROOT / "packaging" / "systemd"


def run(*command, check=True):
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed (Debian package systemd)")
    return subprocess.run(command, capture_output=True, text=True, check=check)


def version():
    return int(re.match(r"systemd (\d+)", run("systemd-analyze", "--version").stdout).group(1))


@pytest.fixture
def units(tmp_path, build):
    """The units with the programs of this build, which is not where systemd looks."""
    for unit in UNITS.glob("mailconfd*"):
        text = unit.read_text().replace("Start=mailconfd\n", f"Start={build}/src/mailconfd\n")
        (tmp_path / unit.name).write_text(text.replace("=mailconfctl ", f"={build}/src/mailconfctl "))
    return tmp_path


def test_service_is_confined():
    out = run("systemd-analyze", "security", "--offline=true", "--no-pager",
              UNITS / "mailconfd.service").stdout
    score = re.search(r"Overall exposure level for mailconfd.service: ([\d.]+)", out)
    assert float(score.group(1)) <= 1.5, out


def test_units_are_understood(units):
    result = run("systemd-analyze", "verify", "--man=no", *sorted(units.iterdir()), check=False)
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


def test_drop_in_is_understood(units):
    if version() < 253:
        pytest.skip(f"systemd {version()} does not know Type=notify-reload yet; 253 does")
    directory = units / "mailconfd.service.d"
    directory.mkdir()
    shutil.copy(UNITS / "notify-reload.conf", directory)
    result = run("systemd-analyze", "verify", "--man=no", units / "mailconfd.service", check=False)
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


def test_user_and_directories_are_made(tmp_path):
    for kind in "sysusers", "tmpfiles":
        directory = tmp_path / "usr" / "lib" / f"{kind}.d"
        directory.mkdir(parents=True)
        shutil.copy(UNITS / f"{kind}.conf", directory / "mailconfd.conf")
    (tmp_path / "etc").mkdir()
    run("systemd-sysusers", f"--root={tmp_path}")
    passwd = (tmp_path / "etc" / "passwd").read_text()
    user = re.search(r"^mailconfd:[x!*]*:(\d+):(\d+):.*:/var/lib/mailconfd:/usr/sbin/nologin$", passwd,
                     re.MULTILINE)
    assert user, passwd
    result = run("systemd-tmpfiles", f"--root={tmp_path}", "--create", check=False)
    if "Operation not permitted" in result.stderr:
        pytest.skip("only root can give directories to others")
    assert result.stderr == ""
    data, certificates = tmp_path / "var/lib/mailconfd", tmp_path / "etc/mailconfd/certificates"
    assert (data.stat().st_uid, data.stat().st_gid) == tuple(map(int, user.groups()))
    assert (certificates.stat().st_uid, certificates.stat().st_gid) == (0, int(user.group(2)))
    assert {path.stat().st_mode & 0o7777 for path in (data, certificates)} == {0o750}
