"""The units of systemd, as far as they can be looked at without running it."""
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
    command = "ExecStart=mailconfctl certificate renew\n"
    assert command in service
    installed = service.replace(command, f"ExecStart={build / 'src' / 'mailconfctl'} certificate renew\n")
    (tmp_path / "mailconfd-renew.service").write_text(installed)
    shutil.copy(UNITS / "mailconfd-renew.timer", tmp_path)
    files = [tmp_path / "mailconfd-renew.service", tmp_path / "mailconfd-renew.timer"]
    result = subprocess.run([analyze, "verify", "--man=no", *files], capture_output=True, text=True)
    ours = [line for line in result.stderr.splitlines() if "mailconfd-renew" in line]
    assert ours == []
    result = subprocess.run([analyze, "security", "--offline=true", "--threshold=30", files[0]],
                            capture_output=True, text=True)
    assert result.returncode == 0, result.stdout
