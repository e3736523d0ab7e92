"""What programs find that read the code without running it."""
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = os.environ.get("MAILCONFD_BUILD", ROOT / "build-lint")  # of clang, which must know all options


def run(*command):
    result = subprocess.run(command, cwd=ROOT, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, check=False)
    assert result.returncode == 0, result.stdout


def tracked(*patterns):
    out = subprocess.run(["git", "ls-files", "--", *patterns], cwd=ROOT, text=True, capture_output=True, check=True).stdout
    return [name for name in out.splitlines() if (ROOT / name).exists()]


def scripts():
    yield from tracked("*.bash")
    for name in tracked():
        file = ROOT / name
        if file.is_file() and re.match(rb"#!\S*(/| )(ba)?sh\n", file.read_bytes()[:64]):
            yield name


SOURCES = tracked("src/*.c")


def test_clang_format():
    run("clang-format", "--dry-run", "--Werror", *tracked("*.c", "*.h"))


@pytest.mark.parametrize("source", SOURCES)
def test_clang_tidy(source):
    """The checks of .clang-tidy."""
    run("clang-tidy", "--quiet", "-p", BUILD, source)


# The first two: it does not know __attribute__((cleanup)). The last: it takes a copy of no bytes for a use; gcc and
# valgrind look for such variables too.
SUPPRESSED = ("resourceLeak", "memleak", "uninitvar")
# It does not read the headers of libraries; --library=bsd has sys/queue.h.
MACROS = ("_GNU_SOURCE", "json_object_foreach(...)=while(next(__VA_ARGS__))", "json_array_foreach(...)=while(next(__VA_ARGS__))")


def test_cppcheck():
    run("cppcheck", "--quiet", "--error-exitcode=1", f"-j{os.cpu_count()}", "--std=c11", "--inline-suppr",
        "--enable=warning,performance,portability", "--library=bsd", "-Isrc", *(f"-D{macro}" for macro in MACROS),
        *(f"--suppress={name}" for name in SUPPRESSED), *SOURCES)


@pytest.mark.parametrize("script", scripts())
def test_shellcheck(script):
    run("shellcheck", script)


def test_codespell():
    """With the words of .codespellrc."""
    run("codespell", *tracked())
