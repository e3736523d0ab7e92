"""What README and HACKING.md name exists, and README's commands and settings work."""
import itertools
import re
import shlex
import subprocess

import pytest

from conftest import ROOT

PAGES = "README.md", "HACKING.md", "SECURITY.md"


def named_paths(page):
    """Paths below the folders of the repository and of src/, with braces expanded, and the targets of links."""
    text = (ROOT / page).read_text()
    for path in re.findall(r"(?<![\w./])(?:\.ci|data|packaging|src|templates|tests)/[\w.*{},/-]*", text):
        parts = [part.strip("{}").split(",") if part.startswith("{") else [part]
                 for part in re.split(r"(\{[^}]*\})", path.rstrip(".,"))]
        yield from map("".join, itertools.product(*parts))
    yield from re.findall(r"\]\(([^):#]+)\)", text)
    for path in re.findall(r"^    ([a-z]+/[\w/.-]*)  ", text, re.MULTILINE):
        yield f"src/{path}"


@pytest.mark.parametrize("page", PAGES)
def test_paths_exist(page):
    examples = r"NAME|FAMILY-VERB|my-client"
    paths = [path for path in named_paths(page) if not re.search(examples, path)]
    assert paths
    assert [path for path in paths if not any(ROOT.glob(path.rstrip("/")))] == []


def readme():
    return (ROOT / "README.md").read_text()


def test_readme_is_short():
    assert len(readme().splitlines()) <= 200


def test_commands_work(build, tmp_path):
    """In the order of README, with the output that it shows."""
    (tmp_path / "users.csv").write_text("address,login\nfirst.last@harbour.example,a4711\n")
    settings = tmp_path / "mailconfd.conf"
    settings.write_text(f"[database]\nfile = {tmp_path}/mailconfd.db\n")
    commands = re.findall(r"^    # (mailconfctl .*)\n((?:    [^#\s].*\n)*)", readme(), re.MULTILINE)
    assert len(commands) > 10
    for command, expected in commands:
        words = shlex.split(command)[1:]
        needs_network = words[0] in ("certificate", "doctor")
        general = ["--help"] if needs_network else ["--config", settings]
        result = subprocess.run([build / "src" / "mailconfctl", *general, *words], check=False, capture_output=True,
                                text=True, cwd=tmp_path)
        assert result.returncode == 0 and "mailconfctl:" not in result.stderr, command
        assert not expected or result.stdout == re.sub("^    ", "", expected, flags=re.MULTILINE), command


def test_settings_are_valid(build, tmp_path):
    blocks = re.findall(r"^    \[server\]\n(?:    .*\n)+", readme(), re.MULTILINE)
    assert len(blocks) == 2
    for block in blocks:
        settings = tmp_path / "mailconfd.conf"
        settings.write_text(re.sub("^    ", "", block, flags=re.MULTILINE))
        result = subprocess.run([build / "src" / "mailconfctl", "--config", settings, "--database", tmp_path / "x.db", "init"],
                                check=False, capture_output=True, text=True)
        assert (result.returncode, result.stderr) == (0, "")


def test_golden_case_of_hacking_exists():
    cases = re.findall(r"test_golden.py -k ([\w-]+)", (ROOT / "HACKING.md").read_text())
    assert len(cases) == 2 and any((ROOT / "tests" / "golden").glob(f"*/{cases[0]}"))
