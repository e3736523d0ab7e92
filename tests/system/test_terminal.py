"""What mailconfctl prints on a terminal, and what it does not print into a pipe."""
import json
import re
import sqlite3
import subprocess

import pytest

import terminal
from mailconfctl import Mailconfctl

ORG = ["imaps://imap.example.org", "submissions://smtp.example.org"]
NAMES = {
    "a": "Anna Example",
    "b": "例子" * 20,  # two cells each
    "c": "Zoë".replace("ë", "e\u0308") * 30,  # one of three combines
    "d": "x" * 120,
}


@pytest.fixture
def ctl(tmp_path):
    tool = Mailconfctl(str(tmp_path))
    tool("domain", "add", "example.org", *ORG)
    for local, name in NAMES.items():
        tool("user", "add", f"{local}@example.org", f"login-of-{local}", "--name", name)
    return tool


def lines(text):
    return terminal.plain(text).splitlines()


def test_a_pipe_gets_everything(ctl):
    assert all(name in ctl("user", "list") for name in NAMES.values())
    result = subprocess.run(ctl.command("user", "list"), env={"COLUMNS": "20"}, capture_output=True, text=True,
                            check=True)
    assert all(name in result.stdout for name in NAMES.values()) and "…" not in result.stdout


@pytest.mark.parametrize("columns", [40, 60, 80, 132])
def test_a_list_fits_the_terminal(ctl, columns):
    status, text = terminal.run(ctl.command("user", "list"), columns=columns)
    shown = lines(text)
    assert status == 0 and len(shown) == 5
    assert max(map(terminal.cells, shown)) <= columns
    assert shown[0].split() == ["ADDRESS", "LOGIN", "NAME", "PROVIDER"]
    assert shown[1].split() == ["a@example.org", "login-of-a", "Anna", "Example"] or columns < 60
    for line, name in zip(shown[2:], list(NAMES.values())[1:]):
        start = re.split("  +", line)[2]
        assert start == name or start.endswith("…") and name.startswith(start[:-1])
        assert (start == name) == (columns == 132 and terminal.cells(name) <= 90)
        assert start == name or not name[len(start) - 1:].startswith("\u0308"), "an accent stays with its letter"
    # The columns stand below each other.
    name_at = {terminal.cells(line[:line.index(re.split("  +", line)[2])]) for line in shown}
    assert len(name_at) == 1


def test_columns_says_how_wide(ctl):
    _, text = terminal.run(ctl.command("user", "list"), columns=200, env={"COLUMNS": "50"})
    assert 40 < max(map(terminal.cells, lines(text))) <= 50


def test_a_wide_terminal_cuts_nothing(ctl):
    _, text = terminal.run(ctl.command("user", "list"), columns=300)
    assert [line.rstrip() for line in lines(text)] == ctl("user", "list").splitlines()


def test_a_terminal_that_does_not_know_its_width_cuts_nothing(ctl):
    _, text = terminal.run(ctl.command("user", "list"), columns=0)
    assert lines(text) == ctl("user", "list").splitlines()


def test_json_and_single_entries_are_whole(ctl):
    _, text = terminal.run(ctl.command("--json", "user", "list"), columns=40)
    assert [user["name"] for user in json.loads(text)] == list(NAMES.values())
    _, text = terminal.run(ctl.command("user", "show", "d@example.org"), columns=40)
    assert NAMES["d"] in text


def test_rows_beyond_the_first_thousand_fit_too(ctl):
    database = sqlite3.connect(ctl.database)
    database.executemany("INSERT INTO user (domain, local, login) VALUES ('example.org', ?, ?)",
                         [(f"e{n:04}", "y" * (n // 10)) for n in range(2000)])
    database.commit()
    database.close()
    _, text = terminal.run(ctl.command("user", "list"), columns=80)
    assert len(lines(text)) == 2005
    assert max(map(terminal.cells, lines(text))) <= 80


# Colours


def test_colours(ctl):
    _, text = terminal.run(ctl.command("user", "list"))
    assert text.startswith("\033[1mADDRESS ") and text.count("\033") == 2
    _, text = terminal.run(ctl.command("user", "show", "nobody@example.org"))
    assert text.startswith("\033[1;31mmailconfctl:\033[0m there is no user ")
    _, text = terminal.run(ctl.command("provider", "add", "empty"))
    assert "mailconfctl: \033[33mwarning:\033[0m provider 'empty' has no services" in text


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
@pytest.mark.parametrize("words", [["user", "list"], ["user", "show", "nobody@example.org"],
                                   ["provider", "set", "example.org", "--login", "007"]])
def test_no_colours(ctl, env, words):
    _, text = terminal.run(ctl.command(*words), env=env)
    assert text and "\033" not in text


def test_an_empty_no_color_forbids_nothing(ctl):
    assert "\033" in terminal.run(ctl.command("user", "list"), env={"NO_COLOR": ""})[1]


def test_each_stream_for_itself(ctl):
    """A list in a pipe is plain though errors go to a terminal."""
    _, text = terminal.run(ctl.command("user", "list"), stdout=subprocess.PIPE)
    assert text == ""
    result = ctl.run("user", "list")
    assert "\033" not in result.stdout


# --quiet


def test_quiet(ctl):
    for words in (["provider", "add", "empty"], ["user", "set", "a@example.org", "--login", "007"],
                  ["user", "remove", "a@example.org"]):
        result = ctl.run("--quiet", *words)
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert "empty" in ctl("provider", "list", "--quiet")
    assert "there is no user" in ctl.refused("--quiet", "user", "show", "a@example.org")


def test_an_empty_list_says_so_only_on_a_terminal(ctl):
    ctl("domain", "add", "example.net", *ORG)
    words = ("user", "list", "example.net")
    assert ctl(*words) == ""
    assert terminal.run(ctl.command(*words))[1] == "mailconfctl: no user matches\n"
    assert terminal.run(ctl.command("--quiet", *words))[1] == ""


# --json of what changes


def test_json_of_changes(ctl):
    assert ctl.json("user", "add", "x@example.org", "x") == {"done": ["user x@example.org added, login x"]}
    assert ctl.json("user", "remove", "x@example.org") == {"done": ["user x@example.org removed"]}
    assert ctl.json("user", "remove", "x@example.org", "--if-exists") == {"done": []}
    assert ctl.run("--json", "user", "remove", "x@example.org").stdout == ""
    result = ctl.run("--json", "provider", "add", 'a"b')
    assert json.loads(result.stdout) == {"done": ["provider a\"b added, 0 services"]}
    assert result.stderr.startswith("mailconfctl: warning: ")
