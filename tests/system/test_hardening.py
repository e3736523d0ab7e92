"""The programs as they are built, with nothing but what README says."""
import json
import os
import shlex
import subprocess

import pytest

from conftest import ROOT
from hardening import missing_flags, weaknesses

# The compiler of Debian 12 has level 3; older ones make do with 2.
LEVEL_3 = subprocess.run(["gcc", "-O2", "-D_FORTIFY_SOURCE=3", "-include", "stdio.h", "-E", "-dM", "-x", "c", "/dev/null"],
                         capture_output=True, text=True, check=False)
FORTIFY = 3 if "__USE_FORTIFY_LEVEL 3" in LEVEL_3.stdout else 2

OURS = "mailconfd", "mailconfctl"


@pytest.fixture(autouse=True)
def optimised():
    if os.environ.get("MAILCONFD_MODE") in ("sanitize", "thread"):
        pytest.skip("a sanitizer takes the place of these")


@pytest.mark.parametrize("name", OURS)
def test_programs_are_hardened(build, name):
    assert weaknesses(build / "src" / name) == []


def commands(build):
    for entry in json.loads((build / "compile_commands.json").read_text()):
        if "/src/" in entry["file"]:
            yield entry["command"]


def test_all_files_are_compiled_so(build):
    for command in commands(build):
        assert missing_flags(command, FORTIFY) == [], command


@pytest.mark.parametrize("flags, optimization, level", [
    ("-O2 -D_FORTIFY_SOURCE=2", "plain", [2]),
    ("-O2", "plain", [FORTIFY]),
    ("", "0", []),
])
def test_level_of_a_packager_stays(tmp_path, flags, optimization, level):
    """One that is given in CFLAGS is not given a second time, which would be a warning at best."""
    subprocess.run(["meson", "setup", tmp_path / "build", ROOT, "-Dtests=false", f"-Doptimization={optimization}"],
                   env={**os.environ, "CFLAGS": flags}, check=True, capture_output=True)
    for command in commands(tmp_path / "build"):
        given = [word for word in shlex.split(command) if word.startswith("-D_FORTIFY_SOURCE")]
        assert given == [f"-D_FORTIFY_SOURCE={number}" for number in level]
