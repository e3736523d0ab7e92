"""The examples of mailconfctl(1): run one after the other in a new installation, they print what the page says."""
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# These need a network, another program or the certificates of a server; tests of their own run such commands.
ELSEWHERE = ("mailconfctl provider import https:", "mailconfctl import automx2", "mailconfctl doctor",
             "mailconfctl certificate list", "mailconfctl service list isle.example")


def blocks(name, section):
    page = (ROOT / "data" / "man" / name).read_text().partition(f"\n.Sh {section}\n")[2].partition("\n.Sh ")[0]
    for block in re.findall(r"\n\.Bd -literal[^\n]*\n(.*?)\n\.Ed", page, re.DOTALL):
        yield re.sub(r"\\\(aq", "'", block.replace("\\&", "").replace("\\e", "\\"))


def commands_of(block):
    """(command, what it prints). A command goes on after a backslash and after a pipe."""
    found = []
    for line in block.split("\n"):
        if line.startswith("$ "):
            found.append([line[2:], []])
        elif found and not found[-1][1] and found[-1][0].endswith(("\\", "|")):
            found[-1][0] += "\n" + line
        elif found:
            found[-1][1].append(line)
    return [(command, "\n".join(printed)) for command, printed in found]


def pattern_of(printed):
    """Lines are broken for the page, so whitespace does not count; "..." stands for anything."""
    parts = [r"\s+".join(re.escape(word) for word in part.split()) for part in re.split(r"(?m)^\.\.\.$", printed)]
    text = r"\s*" + r"[\s\S]*".join(rf"\s*{part}\s*" for part in parts)
    text = re.sub(r"Date:\\s\+.*?GMT", r"Date:.*?GMT", text)
    return re.sub(r"\b[0-9a-f]{16}\b", "[0-9a-f]{16}", text)


@pytest.fixture
def shell(build, tmp_path):
    """A shell in which mailconfctl has an installation of its own."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "lib").mkdir()
    (tmp_path / "backups").mkdir()
    (tmp_path / "work").mkdir()
    config = tmp_path / "mailconfd.conf"
    config.write_text(f"[database]\nfile = {tmp_path}/lib/mailconfd.db\n")
    program = tmp_path / "bin" / "mailconfctl"
    program.write_text(f'#!/bin/sh\nexec "{build}/src/mailconfctl" --config "{config}" "$@"\n')
    program.chmod(0o755)

    def run(command):
        command = command.replace("/var/backups", f"{tmp_path}/backups")
        result = subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                                cwd=tmp_path / "work", env={**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"})
        return result.stdout.replace(f"{tmp_path}/backups", "/var/backups").replace(f"{tmp_path}/lib", "/var/lib/mailconfd")

    run.directory = tmp_path / "work"
    return run


def test_examples_print_what_the_page_says(shell):
    wrong = []
    for block in blocks("mailconfctl.1", "EXAMPLES"):
        for command, printed in commands_of(block):
            if command.startswith("cat ") and not (shell.directory / command[4:]).exists():
                (shell.directory / command[4:]).write_text(printed + "\n")
            elif not command.startswith(ELSEWHERE):
                answer = shell(command)
                if not re.fullmatch(pattern_of(printed), answer):
                    wrong.append(f"$ {command}\n{answer}--- but the page has\n{printed}\n")
    assert not wrong, "\n".join(wrong)
