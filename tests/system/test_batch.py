"""mailconfctl batch: many commands, all of them or none."""

import subprocess

import pytest

from mailconfctl import Mailconfctl

SERVICES = "imaps://imap.example.org submissions://smtp.example.org"


@pytest.fixture
def ctl(tmp_path):
    return Mailconfctl(str(tmp_path))


@pytest.fixture
def write(tmp_path):
    def write(text, name="commands"):
        path = tmp_path / name
        path.write_text(text)
        return str(path)
    return write


def test_all_is_done(ctl, write):
    path = write("# a customer\n"
                 f"domain add example.org {SERVICES}\n"
                 "\n"
                 "user add first.last@example.org a4711 --name 'First \"L\" Last' # one\n"
                 "user add @example.org \"all of it\"\n"
                 "domain add * --alias-of example.org --any-domain\n")
    assert ctl("batch", path) == (
        "domain example.org added, provider example.org\n"
        "user first.last@example.org added, login a4711\n"
        "user @example.org added, login all of it\n"
        "domain * added, alias of example.org\n"
        "4 commands done\n")
    assert ctl.json("user", "list") == [
        {"address": "@example.org", "login": "all of it"},
        {"address": "first.last@example.org", "login": "a4711", "name": "First \"L\" Last"}]


def test_warns_of_the_end_alone(ctl, write):
    path = write("provider add uni --login %EMAILADDRESS%\n"
                 "service add uni imaps://imap.example.org\n"
                 "service add uni submissions://smtp.example.org\n"
                 "provider add half\n"
                 "provider add gone\n"
                 "provider remove gone\n"
                 "service add half imaps://imap.example.org\n"
                 "service add half pop3s://imap.example.org\n")
    assert ctl.warned("batch", path) == [
        "provider 'half' has no outgoing service, so Thunderbird refuses its documents; add one with 'service add': submissions://HOST"]


def test_standard_input(ctl):
    commands = f"domain add example.org {SERVICES}\nuser add a@example.org b\n"
    result = subprocess.run(ctl.command("batch", "-"), input=commands, text=True, timeout=60,
                            capture_output=True, check=True)
    assert result.stdout.endswith("2 commands done\n")
    result = subprocess.run(ctl.command("batch", "-"), input=commands, text=True, timeout=60,
                            capture_output=True, check=False)
    assert result.returncode == 1
    assert result.stderr.startswith("mailconfctl: standard input:1: domain 'example.org' exists")


def test_nothing_is_done_where_one_fails(ctl, write):
    ctl("domain", "add", "example.org", *SERVICES.split())
    path = write("user add a@example.org a\n"
                 "user add b@example.org b\n"
                 "\n"
                 "user add a@example.org c\n"
                 "user add d@example.org d\n")
    assert ctl.refused("batch", path) == (
        f"{path}:4: user 'a@example.org' exists already, login 'a'; use 'user set' to change it")
    assert ctl.json("user", "list") == []


def test_what_is_done_first_is_seen_by_the_next(ctl, write):
    path = write(f"domain add example.org {SERVICES}\n"
                 f"domain add example.net {SERVICES}\n"
                 "domain set example.net --moved-to example.org\n"
                 "domain set example.org --moved-to example.net\n")
    assert "in a loop" in ctl.refused("batch", path)


def test_circle_that_is_none_in_the_end(ctl, write):
    path = write(f"domain add example.org {SERVICES}\n"
                 f"domain add example.net {SERVICES}\n"
                 "domain set example.net --moved-to example.org\n"
                 "domain set example.org --moved-to example.net\n"
                 "domain set example.net --moved-to new.example\n")
    assert ctl("batch", path).endswith("5 commands done\n")


@pytest.mark.parametrize("line, reason", [
    ("user lits", "unknown command 'user lits'; did you mean 'user list'?"),
    ("user add a@example.org", "'user add' needs ADDRESS LOGIN; see 'mailconfctl user add --help'"),
    ("user list", "'user list' changes nothing; a batch is for changes"),
    ("preview outlook a@example.org", "'preview' changes nothing; a batch is for changes"),
    ("user import", "'user import' is a transaction of its own and cannot be in a batch"),
    ("batch other", "'batch' is a transaction of its own and cannot be in a batch"),
    ("user remove a@example.org --database other",
     "global options stand before or after 'batch', not in its lines"),
    ("user --help", "global options stand before or after 'batch', not in its lines"),
    ("user add 'a@example.org b", "the quote ' that is opened here is not closed"),
    ("user add a@@example.org b", None),
])
def test_refused_lines(ctl, write, line, reason):
    path = write(f"domain add example.org {SERVICES}\n\n{line}\n")
    said = ctl.refused("batch", path)
    assert said.startswith(f"{path}:3: ") and (reason is None or said == f"{path}:3: {reason}")
    assert ctl.json("domain", "list") == []


def test_warnings_say_their_line(ctl, write):
    path = write(f"domain add example.org {SERVICES}\nuser add a@example.org 007\n")
    assert [line.partition(": ")[0] for line in ctl.warned("batch", path)] == [f"{path}:2"]


def test_files_that_cannot_be_read(ctl, tmp_path):
    missing = str(tmp_path / "missing")
    assert ctl.refused("batch", missing) == f"cannot read '{missing}': No such file or directory"
    assert ctl.refused("batch", str(tmp_path)) == f"cannot read '{tmp_path}': Is a directory"
