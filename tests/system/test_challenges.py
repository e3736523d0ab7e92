"""The directory of ACME challenges, which root writes to, while an attacker in the daemon's account tries to replace
it, or a directory above it, by a symbolic link."""
import itertools
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile

import pytest

from acme import acme, file_of, names_in, served  # noqa: F401, fixtures too

pytestmark = [
    pytest.mark.engines,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights that another user wants"),
    pytest.mark.skipif(not shutil.which("cc"), reason="the attacker is compiled"),
    pytest.mark.skipif(os.environ.get("MAILCONFD_MODE") == "valgrind", reason="the attacker is preloaded"),
]

NOBODY = pwd.getpwnam("nobody")
TREE = "attacked-tree"  # what happens before a program names it does not matter
PATH = pathlib.Path("acme", ".well-known", "acme-challenge")

ATTACKER = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

static int n_calls = -1;

/* Another user is as fast as can be. Calls count from the first that names TREE; the attack is made before call AT, or before
 * each where AT is "all". */
static void attack(const char *called)
{
	const char *place = getenv("PLACE"), *at = getenv("AT");
	char old[4096];
	int before = errno;

	if (n_calls < 0 && !strstr(called, getenv("TREE")))
		return;
	n_calls++;
	if (strcmp(at, "all") == 0 || n_calls == atoi(at)) {
		snprintf(old, sizeof(old), "%s.old", place);
		setfsuid(atoi(getenv("ATTACKER")));
		rename(place, old);
		symlink(getenv("VICTIM"), place);
		setfsuid(0);
	}
	errno = before;
}

#define REAL(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))

int openat64(int above, const char *path, int flags, ...)
{
	va_list rest;
	mode_t mode;

	va_start(rest, flags);
	mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
	va_end(rest);
	attack(path);
	return REAL(openat64)(above, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list rest;
	mode_t mode;

	va_start(rest, flags);
	mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
	va_end(rest);
	attack(path);
	return REAL(open64)(path, flags, mode);
}

int mkdirat(int above, const char *path, mode_t mode)
{
	attack(path);
	return REAL(mkdirat)(above, path, mode);
}

int fchmod(int fd, mode_t mode)
{
	attack("");
	return REAL(fchmod)(fd, mode);
}

int renameat(int from, const char *before, int to, const char *after)
{
	attack(after);
	return REAL(renameat)(from, before, to, after);
}

int unlink(const char *path)
{
	attack(path);
	return REAL(unlink)(path);
}
"""


@pytest.fixture
def place():
    """A directory that everybody can enter."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="mailconfd-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def request_attacked(served, acme, place):
    """Requests a certificate while the directory is replaced by a link to the victim before call AT."""
    if b"__asan" in (served.build / "src" / "mailconfctl").read_bytes():
        pytest.skip("a sanitizer has to be preloaded first")
    source, attacker = place / "attacker.c", place / "attacker.so"
    source.write_text(ATTACKER)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", attacker, source, "-ldl"], check=True)

    def request(challenges, attacked, victim, at):
        served.settings["acme"]["directory"] = challenges
        served.write_settings()
        return acme.run(served.build / "src" / "mailconfctl", "--config", served.config, "certificate", "request",
                        "example.org", "--server", acme.server, "--accept-terms", "--resolver", acme.resolver,
                        LD_PRELOAD=str(attacker), ATTACKER=str(NOBODY.pw_uid), TREE=TREE, PLACE=str(attacked),
                        VICTIM=str(victim), AT=str(at))
    return request


def make_victim(place, below):
    """A tree of root's that can stand in for what is replaced. Files and directories in it are not to change."""
    victim = place / "victim"
    (victim / below).mkdir(parents=True)
    for directory in (victim, *victim.rglob("*")):
        (directory / "precious").write_text("precious")
    victim.chmod(0o700)
    return victim


def state(tree):
    """Of everything in it. Whatever is created and removed again leaves its mark in the times of a directory."""
    return {path: (found.st_ino, found.st_mode, found.st_uid, found.st_gid, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
            for path in (tree, *tree.rglob("*")) for found in [path.lstat()]}


def make_parent_theirs(place):
    """As the default was once: below the directory of the database."""
    (place / "data").mkdir()
    os.chown(place / "data", NOBODY.pw_uid, NOBODY.pw_gid)
    (place / "data" / PATH).mkdir(parents=True)
    return place / "data" / PATH, place / "data" / "acme"


def make_directory_theirs(place):
    (place / PATH).mkdir(parents=True)
    os.chown((place / PATH).parent, NOBODY.pw_uid, NOBODY.pw_gid)
    os.chown(place / PATH, NOBODY.pw_uid, NOBODY.pw_gid)
    return place / PATH, place / PATH


def make_shared(place):
    """Where everybody can create what is missing."""
    (place / "shared").mkdir()
    (place / "shared").chmod(0o1777)
    return place / "shared" / PATH, place / "shared" / "acme"


@pytest.mark.parametrize("make", [make_parent_theirs, make_directory_theirs, make_shared])
def test_a_directory_that_can_be_replaced_is_not_used(served, place, request_attacked, make):
    """Whenever it is replaced: before each of the calls in turn, until that is too late."""
    served.start()
    for at in itertools.count():
        tree = place / TREE
        tree.mkdir()
        challenges, attacked = make(tree)
        victim = make_victim(tree, challenges.relative_to(attacked))
        before = state(victim)
        result = request_attacked(challenges, attacked, victim, at)
        assert state(victim) == before, (at, result.stderr)
        if not attacked.is_symlink():
            break
        assert result.returncode != 0 and str(challenges) in result.stderr, (at, result.stderr)
        shutil.rmtree(tree)
    assert at > 0, "it was replaced"


@pytest.mark.parametrize("attacked", ["acme", PATH], ids=["parent", "directory"])
def test_a_directory_of_roots_cannot_be_replaced(served, acme, place, request_attacked, attacked):
    """A certificate is requested during an attack before each call, of uacme's hook too."""
    tree = place / TREE
    tree.mkdir()
    victim = make_victim(tree, PATH.relative_to(attacked))
    before = state(victim)
    served.settings["acme"]["directory"] = tree / PATH
    served.start()
    result = request_attacked(tree / PATH, tree / attacked, victim, "all")
    assert (result.returncode, result.stderr) == (0, "")
    assert names_in(file_of(served, "example.org")) == ["autoconfig.example.org", "autodiscover.example.org"]
    assert state(victim) == before and list((tree / PATH).iterdir()) == []
