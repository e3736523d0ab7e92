"""What the shells offer: asked of mailconfctl itself, and of bash and zsh on a terminal."""
import json
import os
import re
import shutil
import sqlite3
import subprocess

import pytest

import terminal
from conftest import ROOT
from mailconfctl import BINARY, Mailconfctl

COMPLETION = ROOT / "packaging" / "completion"
ORG = ["imaps://imap.example.org", "submissions://smtp.example.org"]


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    tool = Mailconfctl(str(tmp_path_factory.mktemp("filled")))
    tool("provider", "add", "uni", *ORG)
    tool("provider", "add", "University of Example", *ORG)
    tool("provider", "add", "harbour", *ORG)
    for name in ("uni.example", "*.uni.example"):
        tool("domain", "add", name, "--provider", "uni")
    tool("domain", "add", "harbour.example", "--provider", "harbour")
    for address in ("first.last@uni.example", "fred@uni.example", "fred@harbour.example", "@harbour.example"):
        tool("user", "add", address, "x")
    return tool


@pytest.fixture
def ctl(filled, tmp_path):
    """A copy for one test alone."""
    shutil.copy(filled.database, tmp_path)
    return Mailconfctl(str(tmp_path))


def offered(ctl, *words, environment=None):
    result = subprocess.run([BINARY, "complete", *words], capture_output=True, text=True, timeout=60, check=True,
                            env=environment)
    assert result.stderr == ""
    return [line.partition("\t")[0] for line in result.stdout.splitlines()]


def named(ctl, *words):
    """As if the global option stood first."""
    return offered(ctl, "--config", ctl.config, *words)


def test_commands_are_those_of_help(ctl):
    listed = subprocess.run([BINARY, "--help"], capture_output=True, text=True, check=True).stdout
    words = [match.split() for match in re.findall(r"^  ([a-z][a-z0-9 -]*?)  ", listed, re.MULTILINE)]
    families = {word[0] for word in words}
    assert set(offered(ctl, "")) == families | {"help"}
    assert set(offered(ctl, "help", "")) == families
    for family in families:
        verbs = {word[1] for word in words if word[0] == family and len(word) > 1}
        assert family in offered(ctl, family[:2])
        if verbs:
            assert set(offered(ctl, family, "")) == set(offered(ctl, "help", family, "")) == verbs


def test_every_option_of_every_command(ctl):
    listed = subprocess.run([BINARY, "--help"], capture_output=True, text=True, check=True).stdout
    for words in re.findall(r"^  ([a-z][a-z0-9 -]*?)  ", listed, re.MULTILINE):
        shown = subprocess.run([BINARY, *words.split(), "--help"], capture_output=True, text=True, check=True)
        options = set(re.findall(r"^  (--[\w-]+)", shown.stdout, re.MULTILINE))
        assert len(options) > 4 and set(offered(ctl, *words.split(), "--")) == options


@pytest.mark.parametrize("words, expected", [
    (["pro"], ["provider"]),
    (["provider", "s"], ["set", "show"]),
    (["provider", "show", ""], ["University of Example", "harbour", "uni"]),
    (["provider", "show", "un"], ["uni"]),
    (["provider", "add", ""], []),  # a new name
    (["service", "add", "h"], ["harbour"]),
    (["service", "add", "uni", "imaps"], ["imaps://"]),
    (["service", "remove", "uni", "im"], ["imaps://imap.example.org"]),
    (["domain", "show", ""], ["*.uni.example", "harbour.example", "uni.example"]),
    (["domain", "add", ""], []),
    (["domain", "add", "x.example", "--provider", "h"], ["harbour"]),
    (["domain", "add", "x.example", "--provider=h"], ["--provider=harbour"]),
    (["domain", "add", "x.example", "--alias-of", "u"], ["uni.example"]),
    (["domain", "show", "--", ""], ["*.uni.example", "harbour.example", "uni.example"]),
    (["user", "import", "--format", "postfix-"], ["postfix-virtual-alias", "postfix-sender-login"]),
    (["provider", "set", "uni", "--show-names", ""], ["yes", "no"]),
    (["provider", "set", "uni", "--show-names=y"], ["--show-names=yes"]),
    (["provider", "set", "uni", "--show-names", "yes", "--show"], []),  # given already
    (["link", "add", "uni", ""], ["documentation", "enable"]),
    (["user", "show", "f"], ["fred@harbour.example", "first.last@uni.example", "fred@uni.example"]),
    (["user", "show", "first"], ["first.last@uni.example"]),
    (["user", "show", "fred@"], ["fred@harbour.example", "fred@uni.example"]),
    (["user", "show", "fred@u"], ["fred@uni.example"]),
    (["user", "show", "@"], ["@harbour.example"]),
    (["user", "show", "nobody@"], []),
    (["user", "add", "f"], []),
    (["user", "add", "new@"], ["new@harbour.example", "new@uni.example"]),
    (["user", "list", "h"], ["harbour.example"]),
    (["preview", "auto"], ["autoconfig", "autodiscover-v2"]),
    (["preview", "autodiscover-v2", "--protocol", ""], ["AutodiscoverV1", "ActiveSync"]),
    (["preview", "autoconfig", "new@u"], ["new@uni.example"]),
    (["preview", "autoconfig", "@u"], ["@uni.example"]),
    (["preview", "mobileconfig", "new@uni.example", "--as", "a"], ["activesync", "apple"]),
    (["log-hash", "fi"], ["first.last@uni.example"]),
    (["user", "show", "fred@uni.example", "x"], []),
    (["nonsense", ""], []),
    (["provider", "nonsense", ""], []),
    (["provider", "show", "--nonsense", ""], []),
])
def test_what_is_offered(filled, words, expected):
    assert named(filled, *words) == expected


def test_where_nothing_is_left_to_say_options_are(ctl):
    assert "--json" in named(ctl, "user", "show", "fred@uni.example", "")


def test_files(ctl):
    assert offered(ctl, "--config", "") == [":files"]
    assert offered(ctl, "--database=/tm") == [":files"]


def test_the_database_named_on_the_line(ctl):
    for words in (["--database", ctl.database], ["--config", ctl.config], [f"--database={ctl.database}"],
                  [f"--config={ctl.config}"]):
        assert offered(ctl, *words, "domain", "show", "h") == ["harbour.example"]
        assert offered(ctl, "domain", "show", *words, "h") == ["harbour.example"]


@pytest.mark.parametrize("content", [None, b"", b"no database at all"])
def test_no_database_is_no_trouble(ctl, content):
    os.unlink(ctl.database)
    if content is not None:
        with open(ctl.database, "wb") as file:
            file.write(content)
    before = os.listdir(ctl.directory)
    assert named(ctl, "domain", "show", "") == []
    assert named(ctl, "domain", "sh") == ["show"]
    assert os.listdir(ctl.directory) == before


def test_a_locked_database_is_not_waited_for(ctl):
    database = sqlite3.connect(ctl.database, isolation_level=None)
    database.execute("PRAGMA journal_mode = DELETE")
    database.execute("BEGIN EXCLUSIVE")
    assert named(ctl, "domain", "show", "") == []
    database.close()


def test_there_is_an_end(ctl):
    """However many there are."""
    database = sqlite3.connect(ctl.database)
    database.execute("INSERT INTO user (domain, local, login) WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL "
                     "SELECT i + 1 FROM n WHERE i < 200000) SELECT 'uni.example', printf('p%07d', i), 'x' FROM n")
    database.execute("INSERT INTO domain (name, provider, is_enabled) WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL "
                     "SELECT i + 1 FROM n WHERE i < 20000) SELECT printf('d%07d.example', i), 1, 1 FROM n")
    database.commit()
    database.close()
    assert len(named(ctl, "domain", "show", "d")) == 1000
    assert len(named(ctl, "user", "show", "f")) <= 1000
    assert named(ctl, "domain", "show", "d0017") == [f"d0017{n:03}.example" for n in range(1000)]
    os.unlink(ctl.database)


def test_names_of_a_strange_hand(ctl):
    database = sqlite3.connect(ctl.database)
    database.execute("UPDATE provider SET name = 'a' || char(10) || ':files' WHERE name = 'harbour'")
    database.commit()
    database.close()
    assert named(ctl, "provider", "show", "") == ["University of Example", "uni"]


# The shells


class Shell:
    """A shell that a person types into."""

    def __init__(self, command, directory, *setup):
        self.terminal = terminal.Terminal(command, columns=200, env={
            "PATH": f"{os.path.dirname(BINARY)}:{os.environ['PATH']}", "HOME": str(directory), "LC_ALL": "C.UTF-8",
            "XDG_DATA_DIRS": str(directory / "share"), "TERM": "dumb"}, cwd=directory)
        for line in setup:
            self.terminal.send(line + "\n")
        self.terminal.send("echo rea''dy\n")
        self.terminal.wait_for("ready\r\n")

    def line(self, typed, after=""):
        """What the shell takes the line for, once a tab was typed and then what comes after."""
        self.terminal.send(f"mailconfctl {typed}\t{after}\x01printf '<%s>' \x05; echo; echo do''ne\n")
        seen = self.terminal.wait_for("done\r\n")
        return re.findall("<([^<>]*)>", re.findall(r"\n(<mailconfctl>.*)\r\n", seen)[-1])[1:]

    def lists(self, typed, *words):
        """Waits until they are on the screen, for a tab that was typed twice."""
        self.terminal.send(f"mailconfctl {typed}\t\t")
        seen = self.terminal.wait_for(words[0])
        for word in words[1:]:
            if word not in seen:
                seen += self.terminal.wait_for(word)
        self.terminal.send("\x15echo do''ne\n")
        return seen + self.terminal.wait_for("done\r\n")

    def end(self):
        self.terminal.send("\x15exit\n")
        assert self.terminal.finish()[0] == 0


SETUP = {
    "bash-completion": ["source /usr/share/bash-completion/bash_completion"],
    "bash": [f"source {COMPLETION}/mailconfctl.bash"],
    "zsh": ["PS1='% '", "bindkey -e", "fpath=($HOME/zsh $fpath)", "autoload -U compinit", "compinit -D",
            "unsetopt list_beep"],
}


@pytest.fixture(params=SETUP, scope="module")
def shell(request, filled, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    lazily = home / "share" / "bash-completion" / "completions"
    lazily.mkdir(parents=True)
    shutil.copy(COMPLETION / "mailconfctl.bash", lazily / "mailconfctl")
    (home / "zsh").mkdir()
    shutil.copy(COMPLETION / "_mailconfctl", home / "zsh")
    shutil.copy(filled.config, home)
    (home / "a-file").touch()
    command = ["zsh", "-f", "-i"] if request.param == "zsh" else ["bash", "--norc", "--noprofile", "-i"]
    shell = Shell(command, home, *SETUP[request.param])
    yield shell
    shell.end()


GIVEN = "--config mailconfd.conf "


@pytest.mark.parametrize("typed, words", [
    ("prov", ["provider"]),
    ("provider sh", ["provider", "show"]),
    ("provider show har", ["provider", "show", "harbour"]),
    ("provider show Univ", ["provider", "show", "University of Example"]),
    ("provider show 'Univ", ["provider", "show", "University of Example"]),
    ("provider show University\\ o", ["provider", "show", "University of Example"]),
    ("domain show h", ["domain", "show", "harbour.example"]),
    ("domain show \\*", ["domain", "show", "*.uni.example"]),
    ("user show first", ["user", "show", "first.last@uni.example"]),
    ("user show fred@h", ["user", "show", "fred@harbour.example"]),
    ("user show @", ["user", "show", "@harbour.example"]),
    ("domain add x.example --provider=har", ["domain", "add", "x.example", "--provider=harbour"]),
    ("service remove uni imaps:", ["service", "remove", "uni", "imaps://imap.example.org"]),
    ("service remove uni imaps://im", ["service", "remove", "uni", "imaps://imap.example.org"]),
    ("--database a-f", ["--database", "a-file"]),
    ("provider set 'University of Example' --show-na", ["provider", "set", "University of Example", "--show-names"]),
])
def test_a_shell_completes(shell, typed, words):
    assert shell.line(GIVEN + typed) == ["--config", "mailconfd.conf", *words]


def test_a_shell_goes_on(shell):
    """A blank after what is whole, none after what is not."""
    assert shell.line(GIVEN + "provider show har", "x")[-2:] == ["harbour", "x"]
    assert shell.line(GIVEN + "service add uni imaps", "x.example")[-1] == "imaps://x.example"


def test_a_shell_lists(shell):
    shell.lists(GIVEN + "user ", "add", "list", "remove", "set", "show")
    shell.lists(GIVEN + "domain show ", "harbour.example", "uni.example")
    shell.lists(GIVEN + "user show fred@", "harbour.example", "uni.example")


def test_a_shell_says_nothing_where_there_is_nothing(shell):
    line = "--database nothing-here domain show h"
    assert shell.line(line) == line.split()
    shell.terminal.send(f"mailconfctl {line}\t\t\x15echo do''ne\n")
    assert "mailconfctl:" not in shell.terminal.wait_for("done\r\n")


def test_what_meson_installs(build):
    plan = subprocess.run(["meson", "introspect", "--installed", build], capture_output=True, text=True, check=True)
    targets = [path for path in json.loads(plan.stdout).values() if "completion" in path or "zsh" in path]
    assert sorted(path.partition("/share/")[2] for path in targets) == [
        "bash-completion/completions/mailconfctl", "zsh/site-functions/_mailconfctl"]
