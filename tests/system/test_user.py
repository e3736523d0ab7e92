"""Who the service runs as: --user, and what root's tools leave for it."""
import os
import pathlib
import pwd
import re
import shutil
import socket
import subprocess

import pytest

from daemon import PATIENCE
from test_life import CONFIG

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

NOBODY = pwd.getpwnam("nobody")


def hand_over(service, group):
    """Lets the group read the certificate, as a deploy hook does."""
    os.chown(service.directory / "certificates" / "main.pem", 0, group)


def start(service, *options):
    service.options = options
    return service.start()


def fails(service, status, *words, options=("--user", "nobody")):
    service.options = options
    service.spawn()
    assert service.wait() == status, service.log()
    service.process = None
    lines = [line for line in service.log().splitlines() if " warning: " not in line]
    service.log_file.unlink()
    assert len(lines) == 1
    for word in words:
        assert str(word) in lines[0]


def check(service, *options):
    service.write_settings()
    service.options = ()
    return subprocess.run(
        service.command("--check-config", *options), capture_output=True, text=True, check=False,
        timeout=PATIENCE,
    )


def status_of(service):
    text = pathlib.Path(f"/proc/{service.process.pid}/status").read_text()
    return {name: value.split() for name, value in re.findall(r"^(\w+):\t?(.*)$", text, re.MULTILINE)}


def low_port():
    """A port that only root may bind."""
    for port in range(1023, 600, -1):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise AssertionError("no low port is free")


def test_becomes_the_user_after_binding(service):
    service.port = low_port()
    service.settings["server"]["listen-https"] = f"127.0.0.1:{service.port}"
    start(service, "--user", "nobody")
    status = status_of(service)
    assert status["Uid"] == [str(NOBODY.pw_uid)] * 4
    assert status["Gid"] == [str(NOBODY.pw_gid)] * 4
    assert "0" not in status["Groups"]
    assert set(status["CapEff"] + status["CapPrm"] + status["CapAmb"]) == {"0" * 16}
    assert service.get(CONFIG).status == 200
    service.reload()
    assert "error" not in service.log()


def test_groups_are_the_users(service):
    """A certificate that only a group of the user may read."""
    name, group = next(
        (user.pw_name, user.pw_gid) for user in pwd.getpwall()
        if user.pw_uid not in (0, NOBODY.pw_uid) and user.pw_gid != 0
    )
    hand_over(service, group)
    data = service.directory / "data"
    for file in [data, *data.iterdir()]:
        shutil.chown(file, name)
    start(service, "--user", name)
    assert sorted(map(int, status_of(service)["Groups"])) == sorted(os.getgrouplist(name, group))


def test_users_that_it_cannot_become(service):
    fails(service, 2, "user 'absent' does not exist", options=("--user", "absent"))
    fails(service, 2, "'root'", options=("--user", "root"))
    assert check(service, "--user", "absent").returncode == 2


def test_what_the_user_cannot_read(service):
    service.write_settings()
    service.config.chmod(0o600)
    fails(service, 1, "as user 'nobody'", service.config, "Permission denied")
    service.config.chmod(0o644)
    os.chown(service.settings["database"]["file"], 0, 0)
    service.settings["database"]["file"].chmod(0o600)
    fails(service, 1, "as user 'nobody'", service.settings["database"]["file"], "belongs to 'root'")


def test_check_config_is_the_services_view(service):
    """Root is told what the service would meet, not what root can read."""
    result = check(service)
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("load, as user nobody.\n")
    hand_over(service, 0)
    for options in (), ("--user", "nobody"):
        result = check(service, *options)
        assert result.returncode == 1
        assert "main.pem': Permission denied" in result.stderr
        assert "tried as the user 'nobody'" in result.stderr


def test_only_root_can_become_another(service):
    command = ["setpriv", "--reuid", "nobody", "--regid", str(NOBODY.pw_gid), "--clear-groups"]
    service.write_settings()
    program = shutil.copy(service.build / "src" / "mailconfd", service.directory)
    for user, status in (("nobody", 0), ("daemon", 2)):
        result = subprocess.run(
            [*command, program, "--config", service.config, "--check-config", "--user", user],
            capture_output=True, text=True, check=False, timeout=PATIENCE,
        )
        assert result.returncode == status, result.stderr
    assert "cannot become user 'daemon': only root can" in result.stderr


def owners(directory):
    return {file.name: (file.stat().st_uid, file.stat().st_gid) for file in directory.iterdir()}


def test_the_admin_tool_leaves_files_to_the_service(service):
    """Run by root, with and without a daemon that has the database open."""
    data = service.directory / "data"
    nobody = (NOBODY.pw_uid, NOBODY.pw_gid)
    assert owners(data) == {"mailconfd.db": nobody}
    start(service, "--user", "nobody")
    service.ctl("user", "add", "first.last@example.org", "a4711")
    service.get(CONFIG)
    assert owners(data) == dict.fromkeys(("mailconfd.db", "mailconfd.db-wal", "mailconfd.db-shm"), nobody)


def test_a_copy_that_root_put_back_is_named(service):
    """Root changes no owner in a directory of another user: only an administrator does that."""
    file = service.directory / "data" / "mailconfd.db"
    os.chown(file, 0, 0)
    file.chmod(0o600)
    for words in ["user", "list"], ["user", "add", "first.last@example.org", "a4711"]:
        result = service.ctl(*words, check=False)
        assert result.returncode == 1
        assert f"belongs to 'root', and its directory to 'nobody': run 'chown -h nobody {file}' as root" in result.stderr
        assert (file.stat().st_uid, file.stat().st_gid) == (0, 0)
    subprocess.run(["chown", "-h", "nobody", file], check=True)
    service.ctl("user", "add", "first.last@example.org", "a4711")


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_links_lead_to_nothing_that_the_service_cannot_open(service, link):
    data = service.directory / "data"
    treasure = service.directory / "treasure.db"
    shutil.move(data / "mailconfd.db", treasure)
    os.chown(treasure, 0, 0)
    treasure.chmod(0o600)
    link(treasure, data / "mailconfd.db")
    before = treasure.read_bytes()
    for words in ["domain", "list"], ["user", "add", "first.last@example.org", "a4711"], ["init"]:
        result = service.ctl(*words, check=False)
        assert result.returncode == 1 and "Permission denied" in result.stderr
    assert treasure.read_bytes() == before and treasure.stat().st_uid == 0
    (data / "mailconfd.db").unlink()


def test_a_link_of_the_service_to_a_directory_of_roots(service):
    data, treasury = service.directory / "data", service.directory / "treasury"
    treasury.mkdir()
    (data / "d").symlink_to(treasury)
    service.settings["database"]["file"] = data / "d" / "mailconfd.db"
    result = service.ctl("init", check=False)
    assert result.returncode == 1 and "Permission denied" in result.stderr
    assert list(treasury.iterdir()) == []


def test_a_link_to_the_database(service):
    data = service.directory / "data"
    service.ctl("user", "add", "first.last@example.org", "a4711")
    (data / "mailconfd.db").rename(data / "real.db")
    (data / "mailconfd.db").symlink_to("real.db")
    assert "a4711" in service.ctl("user", "list").stdout
    service.ctl("user", "add", "second@example.org", "b4711")
    assert (data / "mailconfd.db").is_symlink()
