"""File systems on which SQLite cannot work are named, with the remedy."""
import errno
import os
import subprocess

import pytest

from daemon import PATIENCE

SERVICES = ["imaps://imap.example.org", "submissions://smtp.example.org"]
REMEDY = "move the database to a local file system ('[database] file')"


@pytest.fixture
def filled(daemon):
    daemon.setup(["domain", "add", "example.org", *SERVICES])
    return daemon


def environment(daemon, **variables):
    library = daemon.build / "tests" / "no-locks.so"
    preload = " ".join(filter(None, [os.environ.get("LD_PRELOAD"), str(library)]))
    return {**os.environ, "LD_PRELOAD": preload, "ASAN_OPTIONS": "verify_asan_link_order=0", **variables}


def without_locks(daemon, error=errno.ENOLCK):
    return environment(daemon, LOCK_ERRNO=str(int(error)))


def run(daemon, env, *words):
    daemon.write_settings()
    return subprocess.run([daemon.build / "src" / "mailconfctl", "--config", daemon.config, *words],
                          capture_output=True, text=True, check=False, timeout=PATIENCE, env=env)


def check(daemon, env):
    daemon.write_settings()
    return subprocess.run(daemon.command("--check-config"), capture_output=True, text=True, check=False,
                          timeout=PATIENCE, env=env)


def sentence(daemon, reason):
    return f"cannot use database '{daemon.settings['database']['file']}': {reason}"


@pytest.mark.parametrize("error", [errno.ENOLCK, errno.EOPNOTSUPP], ids=lambda error: errno.errorcode[error])
def test_no_locks(filled, error):
    wanted = sentence(filled, f"its file system does not support locks")
    env = without_locks(filled, error)
    for words in (["user", "list"], ["user", "add", "a@example.org", "a"], ["init"]):
        result = run(filled, env, *words)
        assert (result.returncode, result.stderr) == (1, f"mailconfctl: {wanted}\nhint: {REMEDY}\n")
    result = check(filled, env)
    assert result.returncode == 1 and f"mailconfd: {wanted}\nhint: {REMEDY}\n" in result.stderr
    result = subprocess.run(filled.command(), capture_output=True, text=True, check=False, timeout=PATIENCE, env=env)
    assert result.returncode == 1 and f"{wanted}; {REMEDY}" in result.stderr


def test_no_locks_for_a_restore(filled):
    copy = filled.directory / "copy.db"
    filled.ctl("backup", copy)
    result = run(filled, without_locks(filled), "restore", str(copy))
    assert result.returncode == 1 and "does not support locks" in result.stderr


def test_no_locks_on_a_network_file_system(filled):
    result = run(filled, environment(filled, LOCK_ERRNO=str(int(errno.ENOLCK)), FILE_SYSTEM_TYPE="6969"),
                 "user", "list")
    assert result.stderr == \
        f"mailconfctl: {sentence(filled, 'its file system (NFS) does not support locks')}\nhint: {REMEDY}\n"


@pytest.mark.parametrize("number, name", [("6969", "NFS"), ("ff534d42", "CIFS"), ("1021997", "9P"), ("c36400", "Ceph")])
def test_network_file_system_is_a_warning(filled, number, name):
    result = check(filled, environment(filled, FILE_SYSTEM_TYPE=number))
    assert result.returncode == 0
    assert (f"mailconfd: warning: database '{filled.settings['database']['file']}' is on a network file system "
            f"({name}): two hosts that use it corrupt it; {REMEDY}\n") in result.stderr
    assert "network file system" not in check(filled, None).stderr


def test_read_only_mount(filled):
    """The -shm file cannot be made."""
    script = f"mount --bind {filled.directory} {filled.directory} && " \
        f"mount -o remount,bind,ro {filled.directory} && cd / && exec \"$@\""
    mounted = ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh"]
    if subprocess.run([*mounted, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no mounts here")
    wanted = sentence(filled, "its file system is mounted read-only, but readers write its -shm file too")
    filled.write_settings()
    for words in (["mailconfctl", "--config", filled.config, "user", "list"],
                  ["mailconfctl", "--config", filled.config, "init"],
                  ["mailconfd", "--config", filled.config, "--check-config"]):
        result = subprocess.run([*mounted, filled.build / "src" / words[0], *words[1:]], capture_output=True,
                                text=True, check=False, timeout=PATIENCE)
        assert result.returncode == 1 and wanted in result.stderr, result.stderr
