"""Paths that a unit of systemd hides from the daemon. The tests of the package try the shipped unit."""
import os
import shutil
import subprocess

import pytest

# The mounts that ProtectHome=yes and ProtectSystem=strict make, with ReadWritePaths= for the rest.
CONFINE = """
mount --bind "$0/systemd/inaccessible/dir" /home
mount --bind "$0" "$0"
mount -o remount,bind,ro /
exec "$@"
"""


@pytest.fixture
def confined(daemon):
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("only root can mount")
    if not os.path.isdir("/home") or not os.path.ismount("/") or \
            subprocess.run(["unshare", "--mount", "mount", "-o", "remount,bind,ro", "/"], capture_output=True,
                           check=False).returncode != 0:
        pytest.skip("this machine allows no mounts")
    (daemon.directory / "systemd/inaccessible/dir").mkdir(parents=True, mode=0)
    daemon.setup(["domain", "add", "example.org", "imaps://imap.example.org"])
    daemon.launcher = ["env", "INVOCATION_ID=1", "unshare", "--mount", "sh", "-ec", CONFINE, daemon.directory]
    return daemon


def warnings(daemon):
    return [line.partition("warning: the settings refer to ")[2] for line in daemon.log().splitlines()
            if "the unit" in line]


def test_hidden_paths_are_named_at_the_start(confined):
    confined.settings["templates"]["directory"] = "/home/mail/templates"
    confined.settings["server"]["behind-proxy"] = "unix:/opt/mailconfd/proxy.socket"
    confined.start()
    assert warnings(confined) == [
        "'/home/mail/templates', which the unit hides with ProtectHome=; put it elsewhere, or open it with "
        "'systemctl edit mailconfd': [Service], ProtectHome=tmpfs, BindReadOnlyPaths=/home/mail/templates",
        "'/opt/mailconfd', which is read-only in the unit, because of ProtectSystem=strict; put it elsewhere, or open it "
        "with 'systemctl edit mailconfd': [Service], ReadWritePaths=/opt/mailconfd",
    ]


def test_what_is_not_hidden_is_not_named(confined):
    """The database's directory can be written to."""
    confined.start()
    assert warnings(confined) == []
