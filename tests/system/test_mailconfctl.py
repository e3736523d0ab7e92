"""The admin tool, as an admin and a script see it."""

import contextlib
import os
import re
import socket
import sqlite3
import stat
import subprocess
import time
from pathlib import Path

import pytest

from mailconfctl import BINARY, Mailconfctl, joined

ORG = ["imaps://imap.example.org", "submissions://smtp.example.org"]
NET = ["imap+starttls://mail.example.net", "submission+starttls://mail.example.net"]


@pytest.fixture
def ctl(tmp_path):
    return Mailconfctl(str(tmp_path))


@pytest.fixture
def org(ctl):
    """With the domain example.org."""
    ctl("domain", "add", "example.org", *ORG)
    return ctl


# The command line


def test_no_command(ctl):
    assert ctl.misused() == "no command given; see 'mailconfctl --help'"


def test_mistyped_words(ctl):
    assert ctl.misused("usr", "list") == "unknown command 'usr'; did you mean 'user'?"
    assert ctl.misused("user", "lits") == "unknown command 'user lits'; did you mean 'user list'?"
    assert ctl.misused("user", "list", "--logn=a") == \
        "unknown option '--logn'; did you mean '--login'?"
    assert ctl.misused("user", "jump") == \
        "unknown command 'user jump'; there are add, set, show, list, remove, rename-login, " \
        "import, export; " \
        "see 'mailconfctl user --help'"


def test_wrong_number_of_arguments(ctl):
    assert ctl.misused("user", "add", "a@example.org") == \
        "'user add' needs ADDRESS LOGIN; see 'mailconfctl user add --help'"
    assert ctl.misused("user", "add", "a@example.org", "a", "--name", "First", "Last") == \
        "'user add' takes ADDRESS LOGIN, and 'Last' is one too many; " \
        "see 'mailconfctl user add --help'"


def test_values_of_options(ctl):
    assert ctl.misused("provider", "add", "uni", "--login-case=upper") == \
        "option '--login-case' takes lower or keep, not 'upper'; " \
        "see 'mailconfctl provider add --help'"
    assert ctl.misused("provider", "add", "uni", "--show-names", "maybe").startswith(
        "option '--show-names' takes yes or no, not 'maybe'")
    assert ctl.misused("provider", "add", "uni", "--login").startswith(
        "option '--login' needs a value: PATTERN")


def test_global_options_stand_anywhere(org):
    before = org("--json", "domain", "list")
    assert org("domain", "--json", "list") == before
    assert org("domain", "list", "--json") == before
    other = os.path.join(org.directory, "other.db")
    org("init", "--database", other)
    org("domain", "add", "example.com", "--database", other, *ORG)
    assert org.json("--database=" + other, "domain", "list") == [
        {"domain": "example.com", "provider": "example.com", "enabled": True}]


def test_two_dashes_end_the_options(org):
    assert org("user", "add", "--", "a@example.org", "--name") == \
        "user a@example.org added, login --name\n"


def test_version(ctl):
    assert ctl("--version").startswith("mailconfctl 0.")


def all_commands(ctl):
    """The words of each: what stands before the two blanks that come before its summary."""
    lines = ctl("--help").partition("\nExamples:\n")[0].splitlines()
    return [line[2:].split("  ")[0].split() for line in lines if re.match("  [a-z]", line)]


def test_help(ctl):
    commands = all_commands(ctl)
    assert ["user", "add"] in commands and len(commands) >= 20
    for words in commands:
        text = ctl(*words, "--help")
        assert text.startswith("Usage: mailconfctl %s" % " ".join(words))
        assert "\nExample:\n  mailconfctl " in text
        assert all(len(line) <= 100 for line in text.splitlines())
        assert ctl("help", *words) == text
    assert "mailconfctl user add ADDRESS LOGIN" in ctl("user", "--help")
    assert ctl("help", "user") == ctl("user", "--help")
    assert ctl("help") == ctl("--help")


def run_without_settings(*words):
    return subprocess.run([BINARY, "--config=/nonexistent", *words], capture_output=True,
                          text=True)


def test_help_has_each_heading_once(ctl):
    headings = [line for line in ctl("--help").splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert len(headings) == len(set(headings)) and "The whole database:" in headings


def test_a_family_with_one_command_names_it(ctl):
    assert ctl.misused("import") == "'import' needs automx2; see 'mailconfctl import --help'"


def test_help_needs_no_settings():
    assert run_without_settings("user", "--help").returncode == 0


# The settings file and the database


def test_named_settings_must_be_there():
    result = run_without_settings("user", "list")
    assert result.returncode == 2
    assert "/nonexistent" in result.stderr


def test_wrong_settings(ctl):
    with open(ctl.config, "w") as config:
        config.write("[database]\nfiel = x\n")
    assert ctl.config + ":2: " in ctl.misused("user", "list")


def test_database_is_made_on_first_use(ctl):
    assert ctl.refused("domain", "list") == \
        "database '%s' does not exist; create it with 'mailconfctl init'" % ctl.database
    assert not os.path.exists(ctl.database)
    ctl("domain", "add", "example.org", *ORG)
    assert stat.S_IMODE(os.stat(ctl.database).st_mode) == 0o640


def test_directory_of_the_database_is_missing(ctl):
    missing = os.path.join(ctl.directory, "none", "mailconfd.db")
    assert missing in ctl.refused("--database", missing, "domain", "add", "example.org", *ORG)


def test_another_file_is_no_database(ctl):
    with open(ctl.database, "w") as file:
        file.write("not a database" * 100)
    assert ctl.database in ctl.refused("domain", "list")
    assert ctl.database in ctl.refused("domain", "add", "example.org", *ORG)


def test_output_that_cannot_be_written(org):
    with open("/dev/full", "w") as full:
        result = subprocess.run(org.command("domain", "list"), stdout=full,
                                stderr=subprocess.PIPE, text=True)
    assert result.returncode == 1
    assert result.stderr == \
        "mailconfctl: cannot write to standard output: No space left on device\n"


@pytest.mark.parametrize("words, said", [
    (("preview", "autoconfig", "a@example.org"), ()),
    (("doctor", "example.org", "--resolver=127.0.0.1:1", "--json"), (r"\d+ problems? in 1 of 1 domain",)),
], ids=["preview", "doctor"])
def test_output_that_is_cut(org, words, said):
    """What a failed command has printed may be of use too, if it is known to be whole."""
    with open("/dev/full", "w") as full:
        result = subprocess.run(org.command(*words), stdout=full, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 1
    lines = joined(result.stderr).splitlines()
    assert len(lines) == len(said) + 1
    for line, pattern in zip(lines, (*said, "cannot write (all of it )?to standard output[:;] .*")):
        assert re.fullmatch("mailconfctl: " + pattern, line) and "descriptor" not in line


def test_one_waits_for_the_other(org):
    other = sqlite3.connect(org.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = org.start("user", "add", "a@example.org", "a")
    reader = org.json("user", "list")
    time.sleep(0.5)
    assert reader == [] and waiting.poll() is None
    other.execute("COMMIT")
    out, err = waiting.communicate(timeout=30)
    assert (waiting.returncode, out, err) == (0, "user a@example.org added, login a\n", "")


HOLDER = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute(sys.argv[2])
print("held", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def holding(database, statement):
    """Another process, that has begun a transaction."""
    holder = subprocess.Popen(["python3", "-c", HOLDER, database, statement], text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == "held\n"
        yield holder.pid
    finally:
        holder.communicate(timeout=60)


def test_waiting_has_an_end(org):
    org.set_lock_timeout(2)
    with holding(org.database, "BEGIN IMMEDIATE"):
        assert org.refused("user", "add", "a@example.org", "a") == (
            "database '%s' has been in use by another process for more than 2 seconds; "
            "nothing was changed; try again later; 'fuser -v %s' shows which process uses it"
            % (org.database, org.database))
        assert org.json("user", "list") == [], "readers need not wait"
    org("user", "add", "a@example.org", "a")


def test_database_that_another_process_keeps_for_itself(org):
    with contextlib.closing(sqlite3.connect(org.database)) as database:
        database.execute("PRAGMA journal_mode = DELETE")
    org.set_lock_timeout(2)
    with holding(org.database, "BEGIN EXCLUSIVE"):
        assert org.refused("user", "list") == \
            f"database '{org.database}' is in use by another process: reading it"
        assert "in use by another process for more than 2 seconds; " in \
            org.refused("user", "add", "a@example.org", "a")


def test_neither_of_two_admins_loses_a_change(org):
    """Each command reads, changes and writes the same row."""
    options = ("display-name", "short-name", "webmail")
    for turn in range(5):
        tools = [org.start("provider", "set", "example.org",
                           "--%s=https://%d.example/" % (option, turn)) for option in options]
        for tool in tools:
            assert tool.communicate(timeout=60) == ("provider example.org changed\n", "")
        shown = org.json("provider", "show", "example.org")
        assert [shown[option.replace("-", "_")] for option in options] == \
            ["https://%d.example/" % turn] * len(options)


def test_many_at_once(ctl):
    """Also on a database that is not there yet."""
    tools = [ctl.start("domain", "add", "d%d.example" % i, *ORG) for i in range(12)]
    for tool in tools:
        out, err = tool.communicate(timeout=60)
        assert (tool.returncode, err) == (0, "")
    assert len(ctl.json("domain", "list")) == 12


def test_readers_wait_for_a_database_that_is_being_made(ctl):
    for _ in range(5):
        writer = ctl.start("domain", "add", "example.org", *ORG)
        while not os.path.exists(ctl.database):
            pass
        ctl("domain", "list")
        assert writer.communicate(timeout=60)[1] == ""
        for name in os.listdir(ctl.directory):
            if name.startswith("mailconfd.db"):
                os.unlink(os.path.join(ctl.directory, name))


def test_a_refused_command_changes_nothing(org):
    assert "given twice" in org.refused("provider", "set", "example.org", "--login=x",
                                        "imaps://a.example.org", "imaps://A.example.org")
    shown = org.json("provider", "show", "example.org")
    assert shown["login"] == "%EMAILADDRESS%" and len(shown["services"]) == 2


def test_did_you_mean(org):
    org("provider", "add", "University", *ORG)
    org("user", "add", "first.last@example.org", "a4711")
    org("user", "add", "@example.org", "rest")
    for words, name, meant in (
        (["provider", "show", "Univresity"], "provider 'Univresity'", "University"),
        (["domain", "add", "example.net", "--provider", "university"], "provider 'university'", "University"),
        (["service", "list", "exampel.org"], "provider 'exampel.org'", "example.org"),
        (["domain", "show", "example.rog"], "domain 'example.rog'", "example.org"),
        (["domain", "add", "example.net", "--alias-of", "eample.org"], "domain 'eample.org'", "example.org"),
        (["user", "show", "frist.last@example.org"], "user 'frist.last@example.org'", "first.last@example.org"),
        (["user", "set", "first.lats@example.org", "--login", "x"], "user 'first.lats@example.org'",
         "first.last@example.org"),
        (["user", "remove", "first.last@exmaple.org"], "user 'first.last@exmaple.org'",
         "first.last@example.org"),
        (["user", "show", "@exmaple.org"], "user '@exmaple.org'", "@example.org"),
    ):
        assert org.refused(*words) == "there is no %s; did you mean '%s'?" % (name, meant)
    assert org.misused("preview", "outlok", "a@example.org") == \
        "'outlok' is not a document; did you mean 'outlook'?"
    for words in (["provider", "show", "college"], ["domain", "show", "other.test"],
                  ["user", "show", "nobody@example.org"], ["user", "show", "x@example.test"]):
        assert "did you mean" not in org.refused(*words)


def test_did_you_mean_among_millions(org):
    """The end of a name can be wrong, whatever the number of users."""
    with contextlib.closing(sqlite3.connect(org.database)) as database:
        database.execute("INSERT INTO user (domain, local, login) WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL "
                         "SELECT i + 1 FROM n WHERE i < 300000) SELECT 'example.org', "
                         "printf('person-%07d-x', i * 7), 'x' FROM n")
        database.commit()
    assert org.refused("user", "show", "person-1400000-y@example.org").endswith(
        "did you mean 'person-1400000-x@example.org'?")


# Providers


def test_provider(ctl):
    assert ctl("provider", "add", "uni", "--display-name", "University Mail", "--short-name=Uni",
               "--login", "%EMAILLOCALPART%", "--login-case=keep", "--recipient-delimiter=+-",
               "--show-names=yes", "--mx-fallback", "no", *ORG) == \
        "provider uni added, 2 services\n"
    assert ctl.json("provider", "show", "uni") == {
        "name": "uni",
        "display_name": "University Mail",
        "short_name": "Uni",
        "login": "%EMAILLOCALPART%",
        "login_case": "keep",
        "recipient_delimiter": "+-",
        "show_names": True,
        "mx_fallback": False,
        "ttl": 168,
        "pox_dav": False,
        "activesync_v2": False,
        "pacc": False, "md5_lookup": False,
        "unknown_users": "pattern",
        "without_address": "pattern",
        "send_logins_to": "everyone",
        "keep": True,
        "services": [
            {"url": url, "auth": ["password-cleartext"], "first": False} for url in ORG],
        "links": [],
        "domains": [],
    }
    assert ctl.refused("provider", "add", "uni", *ORG) == \
        "provider 'uni' exists already; use 'provider set' to change it"

    assert ctl("provider", "set", "uni", "--display-name=", "--short-name", "", "--login=",
               "--recipient-delimiter=", "--show-names=no") == "provider uni changed\n"
    shown = ctl.json("provider", "show", "uni")
    assert "display_name" not in shown and "short_name" not in shown
    assert shown["login"] == "%EMAILADDRESS%" and shown["recipient_delimiter"] == ""
    assert shown["show_names"] is False and shown["mx_fallback"] is False
    assert len(shown["services"]) == 2

    assert ctl("provider", "set", "uni", *NET) == "provider uni changed\n"
    assert [s["url"] for s in ctl.json("service", "list", "uni")] == NET
    assert ctl("provider", "remove", "uni") == "provider uni removed\n"
    assert ctl.json("provider", "list") == []


def test_provider_as_columns(ctl):
    ctl("provider", "add", "uni", "--display-name=Universität", *ORG)
    ctl("provider", "add", "a", *NET)
    assert ctl("provider", "list") == \
        "NAME  DISPLAY-NAME  LOGIN           SERVICES\n" \
        "a                   %EMAILADDRESS%  2\n" \
        "uni   Universität   %EMAILADDRESS%  2\n"
    assert ctl("provider", "show", "uni") == \
        "name                 uni\n" \
        "display-name         Universität\n" \
        "login                %EMAILADDRESS%\n" \
        "login-case           lower\n" \
        "recipient-delimiter  +\n" \
        "show-names           no\n" \
        "mx-fallback          yes\n" \
        "ttl                  168\n" \
        "pox-dav              no\n" \
        "activesync-v2        no\n" \
        "pacc                 no\n" \
        "unknown-users        pattern\n" \
        "without-address      pattern\n" \
        "md5-lookup           no\n" \
        "send-logins-to       everyone\n" \
        "keep                 yes\n" \
        "services             imaps://imap.example.org  auth: password-cleartext\n" \
        "                     submissions://smtp.example.org  auth: password-cleartext\n" \
        "links\n" \
        "domains\n"


def unlike(ctl, provider="example.org"):
    """How many of how many users have logins that the pattern does not give; None without a
    warning."""
    warnings = ctl.warned("provider", "show", provider)
    if not warnings:
        return None
    assert len(warnings) == 1
    words = warnings[0].split()
    return int(words[0]), int(words[2])


def test_logins_that_the_pattern_does_not_give(org):
    assert unlike(org) is None
    org("user", "add", "first@example.org", "first@example.org")
    org("user", "add", "tag+x@example.org", "tag@example.org")  # the pattern leaves the tag out
    assert unlike(org) is None
    org("user", "add", "last@example.org", "a4711")
    assert unlike(org) == (1, 3)
    org("provider", "set", "example.org", "--login=%EMAILLOCALPART%")
    assert unlike(org) == (3, 3)
    org("user", "add", "second@example.org", "second")
    assert unlike(org) == (3, 4)
    org("user", "add", "@example.org", "everybody")
    assert unlike(org) == (4, 5)


def test_whose_logins_are_looked_at(org):
    """Of the domains that the provider answers for, by itself, by an alias or a pattern; but for
    users with a provider of their own, who belong to that."""
    org("provider", "add", "own", *NET)
    org("domain", "add", "example.net", "--alias-of=example.org")
    org("domain", "add", "*.example.org", "--provider=example.org")
    org("domain", "add", "b.example.org", "--provider=own")
    org("user", "add", "a@example.net", "a1")
    org("user", "add", "a@a.example.org", "a2")
    assert unlike(org) == (2, 2)
    org("user", "add", "a@b.example.org", "a3")
    assert unlike(org) == (2, 2)
    assert unlike(org, "own") == (1, 1)
    org("user", "set", "a@example.net", "--provider=own")
    assert unlike(org) == (1, 1)
    assert unlike(org, "own") == (2, 2)
    org("user", "set", "a@b.example.org", "--provider=own")
    assert unlike(org, "own") == (2, 2)


def test_what_clients_are_told_of_such_logins(org):
    org("user", "add", "a@example.org", "a4711")
    said = "1 of 1 user has a login that the pattern '%EMAILADDRESS%' does not give: "
    assert org.warned("provider", "show", "example.org") == [
        said + "it is sent to everyone (--send-logins-to everyone); other clients get the pattern, "
        "which does not work (--unknown-users pattern), and a request without an address gets the "
        "pattern (--without-address pattern)"]
    org("provider", "set", "example.org", "--send-logins-to=192.0.2.0/24", "--unknown-users=refuse",
        "--without-address=refuse")
    assert org.warned("--json", "provider", "show", "example.org") == [
        said + "it is sent to clients in 192.0.2.0/24 (--send-logins-to 192.0.2.0/24); other clients "
        "get no answer (--unknown-users refuse), and a request without an address gets no answer "
        "(--without-address refuse)"]
    org("provider", "set", "example.org", "--send-logins-to=nobody")
    assert "give: it is sent to nobody (" in org.warned("provider", "show", "example.org")[0]


def test_missing_provider(org):
    missing = "there is no provider 'uni'; 'provider list' shows all"
    assert org.refused("provider", "show", "uni") == missing
    assert org.refused("provider", "set", "uni", "--login=") == missing
    assert org.refused("provider", "remove", "uni") == missing
    assert org.refused("service", "list", "uni") == missing
    assert org.refused("domain", "add", "example.net", "--provider=uni") == missing
    assert org.refused("user", "add", "a@example.org", "a", "--provider=uni") == missing
    assert org("provider", "remove", "uni", "--if-exists") == ""


def test_provider_set_needs_something(org):
    assert org.misused("provider", "set", "example.org").startswith(
        "'provider set' needs something to set")


@pytest.mark.parametrize("option, words", [
    ("--display-name=" + "x" * 61, "the display name has 61 characters"),
    ("--display-name= x", "begins or ends with whitespace"),
    ("--display-name=a\x1b[1mb", "control character"),
    ("--display-name=a\u009bb", "control character"),
    (b"--display-name=\xff", "is not UTF-8"),
    ("--short-name=" + "x" * 21, "the short name has 21 characters"),
    ("--login=%EMAIL%", "%EMAIL% is none of"),
    ("--login=%LOGIN%", "only a service's own pattern may use it"),
    ("--recipient-delimiter=a", "has a letter or digit"),
    ("--recipient-delimiter=@", "no address may have"),
    ("--recipient-delimiter=\u00e4", "no address may have"),
    ("--recipient-delimiter=++", "twice"),
])
def test_texts_that_are_refused(ctl, option, words):
    assert words in ctl.refused("provider", "add", "uni", option, *ORG)


def test_texts_of_full_length(ctl):
    ctl("provider", "add", "uni", "--display-name=" + "ä" * 60, "--short-name=" + "ß" * 20, *ORG)
    assert ctl.json("provider", "show", "uni")["display_name"] == "ä" * 60


@pytest.mark.parametrize("name", ["", " uni", "a\nb", "x" * 256])
def test_provider_names_that_are_refused(ctl, name):
    assert "provider name" in ctl.refused("provider", "add", name)


def test_pattern_without_placeholder(ctl):
    assert ctl.warned("provider", "add", "uni", "--login=EMAILLOCALPART", *ORG) == [
        "the login pattern 'EMAILLOCALPART' has no placeholder such as %EMAILLOCALPART%, so all "
        "addresses without a user get this one login"]


# Which clients get which settings of a provider


@pytest.mark.parametrize("option, value, kept", [
    ("public-name", "Auto.Example.net", "auto.example.net"),
    ("public-name", "auto.example.net:08443", "auto.example.net:8443"),
    ("public-name", "bücher.example", "xn--bcher-kva.example"),
    ("ttl", "0", 0), ("ttl", "24", 24), ("ttl", "8760", 8760),
    ("pox-dav", "yes", True),
    ("activesync-v2", "yes", True),
    ("md5-lookup", "yes", True),
    ("unknown-users", "refuse", "refuse"),
    ("without-address", "refuse", "refuse"),
    ("send-logins-to", "nobody", "nobody"),
    ("send-logins-to", "192.0.2.0/24 2001:db8::/32 198.51.100.7",
     "192.0.2.0/24 2001:db8::/32 198.51.100.7"),
])
def test_provider_options(ctl, option, value, kept):
    """Added with it, set to it, and shown as JSON and as columns; nothing else changes."""
    key = option.replace("-", "_")
    ctl("provider", "add", "plain", *ORG)
    plain = ctl.json("provider", "show", "plain")
    ctl("provider", "add", "with", "--" + option, value, *ORG)
    ctl("provider", "add", "set", *ORG)
    assert ctl("provider", "set", "set", "--" + option + "=" + value) == "provider set changed\n"
    ctl("domain", "add", "domain", "--" + option, value, *ORG)
    for name in ("with", "set", "domain"):
        shown = ctl.json("provider", "show", name)
        assert shown[key] == kept
        assert shown["keep"] is (name != "domain")
        assert {**shown, "name": "plain", "domains": [], "keep": True, key: plain.get(key)} == \
            {**plain, key: plain.get(key)}
        text = "yes" if kept is True else str(kept)
        assert "\n%-21s%s\n" % (option, text) in ctl("provider", "show", name)


def test_order_of_provider_keys(ctl):
    ctl("provider", "add", "uni", "--public-name=auto.example.net", *ORG)
    keys = ["name", "login", "login_case", "recipient_delimiter", "show_names", "mx_fallback",
            "public_name", "ttl", "pox_dav", "activesync_v2", "pacc", "unknown_users", "without_address",
            "md5_lookup", "send_logins_to", "keep", "services", "links", "domains"]
    assert list(ctl.json("provider", "show", "uni")) == keys
    lines = ctl("provider", "show", "uni").splitlines()
    assert [line.split()[0] for line in lines if line[0] != " "] == \
        [key.replace("_", "-") for key in keys]


@pytest.mark.parametrize("option, value", [
    ("ttl", "168"), ("pox-dav", "no"), ("activesync-v2", "no"), ("md5-lookup", "no"),
    ("unknown-users", "pattern"), ("without-address", "pattern"), ("send-logins-to", "everyone")])
def test_provider_options_go_back(ctl, option, value):
    ctl("provider", "add", "uni", "--ttl=1", "--pox-dav=yes", "--activesync-v2=yes",
        "--md5-lookup=yes",
        "--unknown-users=refuse", "--without-address=refuse", "--send-logins-to=nobody", *ORG)
    key = option.replace("-", "_")
    ctl("provider", "add", "plain", *ORG)
    ctl("provider", "set", "uni", "--" + option, value)
    assert ctl.json("provider", "show", "uni")[key] == ctl.json("provider", "show", "plain")[key]


def test_public_name_is_unset(ctl):
    ctl("provider", "add", "uni", "--public-name=auto.example.net", *ORG)
    ctl("provider", "set", "uni", "--public-name=")
    assert "public_name" not in ctl.json("provider", "show", "uni")
    assert "public-name" not in ctl("provider", "show", "uni")


NO_NETWORK = "--send-logins-to takes everyone, nobody or networks: '%s' is not a network; write " \
    "ADDRESS/BITS, with no bits set after that many, as in 192.0.2.0/24 or 2001:db8::/32"


@pytest.mark.parametrize("value, wrong", [
    ("noone", "noone"), ("Everyone", "Everyone"), ("192.0.2.1/24", "192.0.2.1/24"),
    ("192.0.2.0/24 everyone", "everyone"), ("192.0.2.0/24,192.0.3.0/24",
                                            "192.0.2.0/24,192.0.3.0/24")])
def test_networks_that_are_refused(org, value, wrong):
    assert org.refused("provider", "set", "example.org", "--send-logins-to", value) == \
        NO_NETWORK % wrong
    assert org.refused("domain", "add", "example.net", "--send-logins-to", value, *NET) == \
        NO_NETWORK % wrong


def test_no_networks_at_all_are_refused(org):
    """An empty variable of a script must not open a list to everyone."""
    assert org.refused("provider", "set", "example.org", "--send-logins-to=") == \
        "--send-logins-to takes everyone, nobody or networks: a list of networks must not be empty"


@pytest.mark.parametrize("name", ["a_b", "auto.example.net:", "auto.example.net:0",
                                  "auto.example.net:65536", "192.0.2.1", "[2001:db8::1]", ":443",
                                  "https://auto.example.net", "auto.example.net/x", " "])
def test_public_names_that_are_refused(ctl, name):
    assert ctl.refused("provider", "add", "uni", "--public-name", name, *ORG) == \
        "the public name '%s' is not a host name or HOST:PORT" % name


@pytest.mark.parametrize("hours", ["", "x", "-1", "+1", "8761", "1.5", "1e3", "24h", " 24"])
def test_hours_that_are_refused(ctl, hours):
    assert ctl.misused("provider", "add", "uni", "--ttl", hours, *ORG) == \
        "--ttl takes hours, from 0 to 8760, not '%s'" % hours


@pytest.mark.parametrize("option, values", [
    ("pox-dav", "yes or no"), ("activesync-v2", "yes or no"), ("unknown-users", "pattern or refuse"),
    ("without-address", "pattern or refuse")])
def test_choices_that_are_refused(ctl, option, values):
    for value in ("maybe", ""):
        assert ctl.misused("provider", "add", "uni", "--" + option, value, *ORG) == \
            "option '--%s' takes %s, not '%s'; see 'mailconfctl provider add --help'" % (
                option, values, value)


def test_provider_in_use(ctl):
    ctl("provider", "add", "uni", *ORG)
    ctl("provider", "add", "spare", *ORG)
    ctl("domain", "add", "a.example", "--provider=uni")
    assert ctl.refused("provider", "remove", "uni") == \
        "provider 'uni' is used by domain 'a.example'; assign another provider to it first"
    ctl("domain", "add", "b.example", "--provider=uni")
    assert ctl.refused("provider", "remove", "uni") == \
        "provider 'uni' is used by domain 'a.example' and 1 more; assign another provider to them first"
    ctl("user", "add", "x@a.example", "x", "--provider=spare")
    assert ctl.refused("provider", "remove", "spare") == \
        "provider 'spare' is used by user 'x@a.example'; assign another provider to it first"
    ctl("user", "add", "y@a.example", "y", "--provider=spare")
    assert ctl.refused("provider", "remove", "spare") == \
        "provider 'spare' is used by user 'x@a.example' and 1 more; assign another provider to them first"


# Services


def test_service_order(ctl):
    ctl("provider", "add", "uni", "submission+starttls://h.example", "pop3s://h.example",
        "imap+starttls://h.example", "activesync+https://h.example/eas", "smtps://h.example",
        "imaps://h.example")
    urls = [service["url"] for service in ctl.json("service", "list", "uni")]
    assert urls == ["imaps://h.example", "imap+starttls://h.example", "pop3s://h.example",
                    "submissions://h.example", "submission+starttls://h.example",
                    "activesync+https://h.example/eas"]
    ctl("service", "add", "uni", "imaps://second.example")
    urls = [service["url"] for service in ctl.json("service", "list", "uni")]
    assert urls[:2] == ["imaps://h.example", "imaps://second.example"]


def test_services_beyond_mail(org):
    urls = ["jmap+https://jmap.example.org/.well-known/jmap", "managesieve+starttls://imap.example.org",
            "caldav+https://dav.example.org/cal/", "carddav+https://dav.example.org:8443/card/",
            "webdav+https://dav.example.org/"]
    for url in reversed(urls):
        org("service", "add", "example.org", url)
    assert [service["url"] for service in org.json("service", "list", "example.org")] == \
        [ORG[0], urls[0], ORG[1], *urls[1:]]
    assert org("service", "add", "example.org", "CalDAV+HTTPS://DAV.example.org:443/team/",
               "--auth=NTLM,password-encrypted", "--first") == \
        "service caldav+https://dav.example.org/team/ added to provider example.org\n"
    assert org.json("service", "list", "example.org")[4] == {
        "url": "caldav+https://dav.example.org/team/", "auth": ["NTLM", "password-encrypted"],
        "first": True}
    org("service", "add", "example.org", "managesieves://h.example:2000")


def test_service_first(org):
    def first():
        return [s["url"] for s in org.json("service", "list", "example.org") if s["first"]]

    org("service", "add", "example.org", "imap+starttls://old.example.org", "--first")
    assert org.json("service", "list", "example.org")[0]["url"] == \
        "imap+starttls://old.example.org"
    org("service", "add", "example.org", "submissions://old.example.org", "--first")
    assert first() == ["imap+starttls://old.example.org", "submissions://old.example.org"]
    org("service", "add", "example.org", "imap+starttls://older.example.org", "--first")
    assert first() == ["imap+starttls://older.example.org", "submissions://old.example.org"]


def test_service_options(org):
    assert org("service", "add", "example.org", "imap+starttls://h.example.org",
               "--auth", "gssapi,Password-Cleartext", "--login", "UNI\\%LOGIN%") == \
        "service imap+starttls://h.example.org added to provider example.org\n"
    assert org.json("service", "list", "example.org")[1] == {
        "url": "imap+starttls://h.example.org", "login": "UNI\\%LOGIN%",
        "auth": ["GSSAPI", "password-cleartext"], "first": False}
    assert org("service", "list", "example.org") == \
        "URL                             LOGIN        AUTH                       FIRST  POP3\n" \
        "imaps://imap.example.org                     password-cleartext         no\n" \
        "imap+starttls://h.example.org   UNI\\%LOGIN%  GSSAPI,password-cleartext  no\n" \
        "submissions://smtp.example.org               password-cleartext         no\n"
    assert "is not a way to authenticate" in org.refused(
        "service", "add", "example.org", "pop3s://h.example.org", "--auth=kerberos")
    assert "is none of" in org.refused(
        "service", "add", "example.org", "pop3s://h.example.org", "--login=%USER%")


def pop3_of(ctl, url="pop3s://pop.example.org"):
    services = ctl.json("service", "list", "example.org")
    return next(service for service in services if service["url"] == url).get("pop3")


def test_wishes_for_pop3(org):
    org("service", "add", "example.org", "pop3s://pop.example.org")
    words = ("service", "set", "example.org", "pop3s://pop.example.org")
    assert pop3_of(org) is None
    assert org(*words, "--leave-on-server", "yes", "--leave-days=14") == \
        "service pop3s://pop.example.org of provider example.org changed\n"
    org(*words, "--check-interval", "15", "--download-at-check=no")
    assert pop3_of(org) == {"leave_on_server": True, "leave_days": 14, "check_interval": 15,
                            "download_at_check": False}
    shown = "leave-on-server=yes, leave-days=14, check-interval=15, download-at-check=no"
    assert org("service", "list", "example.org").splitlines()[2].endswith("  no     " + shown)
    assert f"pop3s://pop.example.org  auth: password-cleartext  pop3: {shown}\n" in \
        org("provider", "show", "example.org")

    sentence = "--leave-days says how long messages stay on the server, and goes with " \
        "--leave-on-server yes only; --leave-days '' unsets it"
    assert org.refused(*words, "--leave-on-server=no") == sentence
    assert org.refused(*words, "--leave-on-server=unset") == sentence
    org(*words, "--leave-on-server=no", "--leave-days=")
    assert org.refused(*words, "--leave-days", "1") == sentence
    org(*words, "--check-interval=", "--download-at-check=unset")
    assert pop3_of(org) == {"leave_on_server": False}
    org(*words, "--leave-on-server=unset")
    assert pop3_of(org) is None

    org("service", "add", "example.org", "pop3+starttls://h.example", "--leave-on-server=yes",
        "--leave-days=3650", "--check-interval=1440", "--download-at-check=yes")
    assert pop3_of(org, "pop3+starttls://h.example") == {
        "leave_on_server": True, "leave_days": 3650, "check_interval": 1440,
        "download_at_check": True}


@pytest.mark.parametrize("option", ["--leave-on-server=no", "--check-interval=1",
                                    "--download-at-check=yes"])
def test_wishes_are_for_pop3_alone(org, option):
    for url in (ORG[0], "caldav+https://dav.example.org/"):
        assert org.refused("service", "set" if url in ORG else "add", "example.org", url, option) == \
            f"'{url}' is not a POP3 service, and only those have --leave-on-server, --leave-days, " \
            "--check-interval and --download-at-check"


@pytest.mark.parametrize("option, words", [
    ("--leave-days=0", "--leave-days takes days, from 1 to 3650, not '0'"),
    ("--leave-days=3651", "not '3651'"), ("--leave-days=-1", "not '-1'"),
    ("--check-interval=1441", "--check-interval takes minutes, from 1 to 1440, not '1441'"),
    ("--check-interval=1h", "not '1h'"),
    ("--leave-on-server=", "option '--leave-on-server' takes unset, no or yes, not ''"),
    ("--leave-on-server=maybe", "not 'maybe'"),
])
def test_wishes_that_are_refused(org, option, words):
    assert words in org.misused("service", "add", "example.org", "pop3s://h.example",
                                option)


def test_service_set(org):
    assert org.misused("service", "set", "example.org", ORG[0]) == \
        "'service set' needs an option that says what to change; see 'mailconfctl service set " \
        "--help'"
    assert org.refused("service", "set", "example.org", "pop3s://h.example", "--first") == \
        "provider 'example.org' has no service 'pop3s://h.example'; 'service list' shows those " \
        "it has"
    assert "there is no provider 'uni'" in org.refused("service", "set", "uni", ORG[0], "--first")
    org("service", "set", "example.org", "IMAPS://imap.example.org:993", "--auth=NTLM")
    org("service", "add", "example.org", "imap+starttls://old.example.org", "--first")
    assert org.json("service", "list", "example.org")[1] == {
        "url": ORG[0], "auth": ["NTLM"], "first": False}
    org("service", "set", "example.org", ORG[0], "--first")
    assert [(s["url"], s["first"]) for s in org.json("service", "list", "example.org")][:2] == [
        (ORG[0], True), ("imap+starttls://old.example.org", False)]
    org.warned("service", "set", "example.org", ORG[0], "--login=x-%LOGIN%")
    assert org.json("service", "list", "example.org")[0] == {
        "url": ORG[0], "login": "x-%LOGIN%", "auth": ["NTLM"], "first": True}
    org("service", "set", "example.org", ORG[0], "--login=")
    assert "login" not in org.json("service", "list", "example.org")[0]
    org.warned("service", "add", "example.org", "pop3://h.example", "--allow-plaintext")
    org("service", "set", "example.org", "pop3://h.example", "--auth=NTLM")


def test_last_login(org):
    """FairEmail takes it, whatever it is for."""
    def sentence(last, login, imap="%LOGIN%"):
        return ["FairEmail logs in to IMAP with the last user name of the autoconfig document, here "
                f"that of '{last}' ({login}), not that of '{ORG[0]}' ({imap})"]

    dav, sieve = "caldav+https://dav.example.org/", "managesieves://imap.example.org"
    own = "--login=UNI\\%LOGIN%"
    jmap = "jmap+https://jmap.example.org/"
    assert org.warned("service", "add", "example.org", jmap, own) == sentence(jmap, own[8:])
    org("service", "add", "example.org", sieve)
    assert org.warned("service", "set", "example.org", sieve, own) == sentence(sieve, own[8:])
    org("service", "add", "example.org", dav)
    assert org.warned("service", "set", "example.org", dav, own) == sentence(dav, own[8:])
    assert org.warned("service", "set", "example.org", ORG[0], "--login=%EMAILLOCALPART%") == \
        sentence(dav, own[8:], "%EMAILLOCALPART%")
    org("service", "set", "example.org", ORG[0], own)
    org.warned("service", "set", "example.org", ORG[0], "--login=")
    org("service", "set", "example.org", dav, "--login=%LOGIN%")
    org("service", "add", "example.org", "activesync+https://sync.example.org/eas", own)


OAUTH2 = {
    "--oauth2-issuer": "https://login.example.org",
    "--oauth2-scope": "imap smtp offline_access",
    "--oauth2-auth-url": "https://login.example.org/auth",
    "--oauth2-token-url": "https://login.example.org/token?a=b",
}


def oauth2_options(values):
    return [word for option in values.items() for word in option]


def test_oauth2(org):
    org("provider", "set", "example.org", *oauth2_options(OAUTH2))
    shown = org.json("provider", "show", "example.org")
    assert {key: shown[key[2:].replace("-", "_")] for key in OAUTH2} == OAUTH2
    org("service", "set", "example.org", ORG[0], "--auth=OAuth2,password-cleartext")
    org("provider", "set", "example.org", "--oauth2-issuer", "Login.Example.ORG")
    assert org.json("provider", "show", "example.org")["oauth2_issuer"] == "login.example.org"

    warning = org.warned("provider", "set", "example.org", *oauth2_options(dict.fromkeys(OAUTH2, "")))
    assert warning == [
        f"'{ORG[0]}' offers OAuth2, but provider 'example.org' does not say who issues the tokens "
        "(--oauth2-issuer): only clients that know its host can use it, as Thunderbird does from "
        "a list of its own; all others take its other ways"]
    assert not any(key.startswith("oauth2") for key in org.json("provider", "show", "example.org"))
    alone = org.warned("service", "add", "example.org", "pop3s://h.example", "--auth=OAuth2")
    assert len(alone) == 1 and alone[0].endswith("; all others pass over the service")
    org("service", "add", "example.org", "pop3+starttls://h.example", "--auth=NTLM")


@pytest.mark.parametrize("missing", OAUTH2)
def test_oauth2_is_all_or_nothing(org, missing):
    words = oauth2_options({key: value for key, value in OAUTH2.items() if key != missing})
    sentence = "clients need all of --oauth2-issuer, --oauth2-scope, --oauth2-auth-url and " \
        f"--oauth2-token-url, or none; provider '%s' has no {missing}"
    assert org.refused("provider", "set", "example.org", *words) == sentence % "example.org"
    assert org.refused("provider", "add", "uni", *ORG, *words) == sentence % "uni"
    assert org.refused("domain", "add", "example.net", *ORG, *words) == sentence % "example.net"
    org("provider", "set", "example.org", *oauth2_options(OAUTH2))
    assert org.refused("provider", "set", "example.org", missing, "") == sentence % "example.org"


@pytest.mark.parametrize("option, value, words", [
    ("--webmail", "http://mail.example.org/", "the web mail address 'http://mail.example.org/' is not encrypted"),
    ("--webmail", "mail.example.org", "is not a URL; write https://HOST/PATH"),
    ("--webmail", "https://mail.example.org/<b>", "must be percent-encoded"),
    ("--oauth2-issuer", "a b", "the issuer 'a b' is not a URL or a host name; write https://HOST"),
    ("--oauth2-issuer", "http://login.example.org", "the issuer 'http://login.example.org' is not encrypted"),
    ("--oauth2-auth-url", "login.example.org", "the auth URL 'login.example.org' is not a URL"),
    ("--oauth2-token-url", "ftp://login.example.org", "the token URL"),
    ("--oauth2-scope", "a\nb", "has a control character"),
    ("--oauth2-scope", "x" * 1001, "more than 1000 are too many"),
])
def test_pages_that_are_refused(ctl, option, value, words):
    assert words in ctl.refused("provider", "add", "uni", *ORG, option, value)


def test_webmail(org):
    org("provider", "set", "example.org", "--webmail", "HTTPS://Mail.Example.ORG:443/Login#x")
    assert org.json("provider", "show", "example.org")["webmail"] == "https://mail.example.org/Login#x"
    org("provider", "set", "example.org", "--webmail=")
    assert "webmail" not in org.json("provider", "show", "example.org")


# Links


HELP = "https://help.example.org/mail#imap"


def test_links(org):
    assert org("link", "list", "example.org") == "" and org.json("link", "list", "example.org") == []
    assert org("link", "add", "example.org", "documentation", "HTTPS://Help.Example.org:443/mail#imap",
               "--text", "en=How to set = up", "--text=PT-br=Ajuda <&>", "--text", "de=Hülfe") == \
        f"documentation link {HELP} added to provider example.org\n"
    org("link", "add", "example.org", "enable", HELP)
    org("link", "add", "example.org", "documentation", "http://old.example/", "--text=en=Old")
    texts = {"en": "How to set = up", "pt-br": "Ajuda <&>", "de": "Hülfe"}
    assert org.json("link", "list", "example.org") == [
        {"kind": "documentation", "url": HELP, "texts": texts},
        {"kind": "enable", "url": HELP, "texts": {}},
        {"kind": "documentation", "url": "http://old.example/", "texts": {"en": "Old"}}]
    assert list(org.json("link", "list", "example.org")[0]["texts"]) == list(texts)
    assert org.json("provider", "show", "example.org")["links"] == org.json("link", "list", "example.org")
    assert org("link", "list", "example.org") == \
        "KIND           URL                                 TEXTS\n" \
        f"documentation  {HELP}  en=How to set = up, pt-br=Ajuda <&>, de=Hülfe\n" \
        f"enable         {HELP}\n" \
        "documentation  http://old.example/                 en=Old\n"
    assert org("provider", "show", "example.org").split("links ")[1].splitlines()[:3] == [
        " " * 15 + f"documentation  url: {HELP}  texts: en=How to set = up, pt-br=Ajuda <&>, de=Hülfe",
        " " * 21 + f"enable  url: {HELP}",
        " " * 21 + "documentation  url: http://old.example/  texts: en=Old"]

    assert org("link", "set", "example.org", "documentation", HELP, "--text=EN=Help", "--text=pt-br=",
               "--text=fr=Aide", "--text=nl=") == \
        f"documentation link {HELP} of provider example.org changed\n"
    assert list(org.json("link", "list", "example.org")[0]["texts"].items()) == [
        ("en", "Help"), ("de", "Hülfe"), ("fr", "Aide")]
    assert org("link", "remove", "example.org", "documentation", HELP) == \
        f"documentation link {HELP} removed from provider example.org\n"
    assert [link["kind"] for link in org.json("link", "list", "example.org")] == ["enable", "documentation"]
    org("provider", "set", "example.org", "--short-name=x", *NET)
    assert len(org.json("link", "list", "example.org")) == 2


def test_links_that_are_there_or_not(org):
    words = ("example.org", "enable", HELP)
    missing = f"provider 'example.org' has no enable link '{HELP}'; 'link list' shows those it has"
    assert org.refused("link", "remove", *words) == missing
    assert org.refused("link", "set", *words, "--text=en=x") == missing
    assert org("link", "remove", *words, "--if-exists") == ""
    assert org("link", "remove", "uni", *words[1:], "--if-exists") == ""
    assert "there is no provider 'uni'" in org.refused("link", "remove", "uni", *words[1:])
    assert "there is no provider 'uni'" in org.refused("link", "list", "uni")
    org("link", "add", *words)
    assert org.refused("link", "add", *words) == \
        f"provider 'example.org' has the enable link '{HELP}' already; 'link set' changes it"
    assert org.misused("link", "set", *words) == \
        "'link set' needs --text LANG=TEXT; see 'mailconfctl link set --help'"


@pytest.mark.parametrize("words, status, sentence", [
    (("help", HELP), 1, "'help' is not a kind of link; there are documentation and enable"),
    (("enable", "help.example.org"), 1, "the link 'help.example.org' is not a URL"),
    (("enable", HELP, "--text=english"), 2, "--text takes LANG=TEXT, as in en=Help, not 'english'"),
    (("enable", HELP, "--text=pt_BR=x"), 1, "'pt_BR' is not a language"),
    (("enable", HELP, "--text=en=a\nb"), 1, "has a control character"),
    (("enable", HELP, "--text=en= x"), 1, "begins or ends with whitespace"),
    (("enable", HELP, "--text=en=" + "x" * 501), 1, "more than 500 are too many"),
])
def test_links_that_are_refused(org, words, status, sentence):
    assert sentence in org.refused("link", "add", "example.org", *words, status=status)
    assert org.json("link", "list", "example.org") == []


def test_too_many_links(org):
    for number in range(16):
        org("link", "add", "example.org", "enable", f"https://h.example/{number}")
    assert org.refused("link", "add", "example.org", "enable", HELP) == \
        "a provider has at most 16 links"
    texts = [f"--text=x{chr(97 + n // 26)}{chr(97 + n % 26)}=y" for n in range(33)]
    assert org.refused("link", "set", "example.org", "enable", "https://h.example/1", *texts) == \
        "a link has texts in at most 32 languages"
    org("link", "set", "example.org", "enable", "https://h.example/1", *texts[1:])


# Invalid rows


def spoil(ctl, sql):
    database = sqlite3.connect(ctl.database)
    with database:
        assert database.execute(sql).rowcount > 0
    database.close()


JUNK = "UPDATE service SET url = 'junk' WHERE url LIKE 'imap%'"


def junk_warning(name="example.org"):
    return f"provider '{name}' has the invalid service 'junk', so no client gets an " \
        "answer: 'junk' is not a service: write SCHEME://HOST[:PORT], as in " \
        f"imaps://imap.example.org; 'service remove {name} junk' removes it"


def test_spoiled_service_is_shown_beside_the_rest(org):
    org("provider", "add", "uni", *NET)
    org("domain", "add", "example.net", "--provider", "uni")
    spoil(org, JUNK + " AND provider = (SELECT id FROM provider WHERE name = 'uni')")
    result = org.run("--json", "provider", "list")
    assert joined(result.stderr) == f"mailconfctl: warning: {junk_warning('uni')}\n"
    assert '"example.org"' in result.stdout and '"uni"' in result.stdout
    for words in (("service", "list", "uni"), ("provider", "show", "uni")):
        result = org.run(*words)
        assert NET[1] in result.stdout and "junk" not in result.stdout
        assert joined(result.stderr) == f"mailconfctl: warning: {junk_warning('uni')}\n"
    org("service", "list", "example.org")
    result = org.run("preview", "autoconfig", "a@example.net")
    assert result.returncode == 1 and "provider 'uni': 'junk' is not a service" in result.stderr


def test_spoiled_service_is_removed(org):
    spoil(org, JUNK)
    sentence = "provider 'example.org' has the invalid service 'junk'; 'service remove " \
        "example.org junk' removes it, and 'provider set example.org SERVICE-URL ...' replaces all"
    for words in (("add", "pop3s://h.example"), ("set", ORG[1], "--first"), ("remove", ORG[1])):
        assert org.refused("service", words[0], "example.org", *words[1:]) == sentence
    org("provider", "set", "example.org", "--short-name=x", "--login=%EMAILLOCALPART%")
    assert org.warned("service", "remove", "example.org", "junk") == [
        "provider 'example.org' has no incoming service, so Thunderbird refuses its "
        "documents; add one with 'service add': imaps://HOST"]
    org("service", "add", "example.org", ORG[0])
    assert [s["url"] for s in org.json("service", "list", "example.org")] == ORG


def test_what_mends_it_can_be_typed(ctl):
    """Names have quotes where a shell needs them."""
    ctl("provider", "add", "my $uni", *ORG)
    spoil(ctl, "UPDATE service SET url = 'junk of \"mine\"' WHERE url LIKE 'imap%'")
    warning = ctl.warned("service", "list", "my $uni")[0]
    command = warning.split("; '")[-1].split("' removes it")[0]
    assert command == r'service remove "my \$uni" "junk of \"mine\""'
    words = subprocess.run(["sh", "-c", f"printf '%s\\n' {command}"], text=True, capture_output=True, check=True)
    ctl.warned(*words.stdout.splitlines())
    assert ctl.warned("service", "add", "my $uni", ORG[0]) == []


def test_spoiled_services_are_replaced(org):
    spoil(org, JUNK)
    org("provider", "set", "example.org", *NET)
    assert [s["url"] for s in org.json("service", "list", "example.org")] == NET
    spoil(org, "UPDATE service SET authentications = 'secret' WHERE url LIKE 'imap%'")
    warning = org.warned("service", "list", "example.org")
    assert len(warning) == 1 and f"'service remove example.org {NET[0]}' removes it" in warning[0]
    org.warned("service", "remove", "example.org", NET[0])
    org("service", "add", "example.org", NET[0])


def test_spoiled_login_is_mended(org):
    spoil(org, "UPDATE provider SET login = '%USER%'")
    warning = org.warned("provider", "list")
    assert len(warning) == 1 and warning[0].startswith(
        "provider 'example.org' has an invalid login pattern, so no client gets an answer: ")
    assert warning[0].endswith("; 'provider set example.org --login PATTERN' replaces it")
    org("provider", "set", "example.org", "--login=%EMAILLOCALPART%")
    org("provider", "list")


@pytest.mark.parametrize("sql, words, remedy", [
    ("UPDATE provider SET webmail = 'javascript:x'", "the web mail address 'javascript:x' is not a URL",
     ("provider", "set", "example.org", "--webmail", "URL")),
    ("UPDATE provider SET oauth2_issuer = 'a b', oauth2_scope = 'mail', oauth2_auth_url = 'https://a.example/', "
     "oauth2_token_url = 'https://a.example/'", "the issuer 'a b' is not a URL or a host name",
     ("provider", "set", "example.org", "--oauth2-issuer", "URL")),
    ("UPDATE provider SET public_name = 'a_b'", "the public name 'a_b' is not a host name",
     ("provider", "set", "example.org", "--public-name", "HOST")),
    ("INSERT INTO link SELECT id, 0, 'documentation', 'javascript:x' FROM provider",
     "the link 'javascript:x' is not a URL", ("link", "remove", "example.org", "documentation", "javascript:x")),
])
def test_what_leads_people_to_no_page_is_mended(org, sql, words, remedy):
    spoil(org, sql)
    preview = ("preview", "autoconfig", "a@example.org")
    result = org.run(*preview)
    assert result.returncode == 1 and "has an error" in result.stdout and words in result.stderr
    for command in (("provider", "list"), ("provider", "show", "example.org")):
        warning, = org.warned(*command)
        assert warning.startswith(f"provider 'example.org': {words}")
        assert warning.endswith(f"; no client gets an answer; '{' '.join(remedy)}' fixes it")
    good = {"URL": "https://page.example/", "HOST": "page.example"}
    org(*(good.get(word, word) for word in remedy))
    org("provider", "list")
    assert org.run(*preview).returncode == 0


@pytest.mark.parametrize("sql", [
    "UPDATE domain SET moved_to = 'javascript:x'", "UPDATE domain SET moved_to = 'https://a@b.example/'",
    "UPDATE user SET moved_to = 'x@y@example.net'", "UPDATE user SET moved_to = 'a b@example.net'",
])
def test_nobody_is_sent_to_what_is_no_address(org, sql):
    org("user", "add", "fred@example.org", "x")
    spoil(org, sql)
    result = org.run("preview", "outlook", "fred@example.org")
    assert result.returncode == 1 and "<ErrorCode>602</ErrorCode>" in result.stdout
    assert "domain 'example.org' has a wrong --moved-to: " in result.stderr


def test_provider_with_a_spoiled_service_is_removed(org):
    org("provider", "add", "uni", *NET)
    spoil(org, JUNK)
    org("provider", "remove", "uni")


def test_service_twice(org):
    assert org.refused("service", "add", "example.org", "IMAPS://imap.Example.org:993") == \
        "provider 'example.org' has the service 'imaps://imap.example.org' already; 'service " \
        "set' changes it"
    assert org.refused("provider", "add", "uni", "imaps://h.example", "imaps://h.example:993") == \
        "service 'imaps://h.example' is given twice"


def test_too_many_services(org):
    urls = ["imaps://h%d.example" % i for i in range(65)]
    assert org.refused("provider", "set", "example.org", *urls) == \
        "a provider has at most 64 services"
    org.warned("provider", "set", "example.org", *urls[:64])
    assert "has 64 services already" in org.refused("service", "add", "example.org", urls[64])


@pytest.mark.parametrize("url", ["imap://h.example", "pop3://h.example", "submission://h.example",
                                 "managesieve://h.example"])
def test_plaintext_is_asked_for(org, url):
    reason = "'%s' would send passwords over the network in clear text; use TLS " \
        "or STARTTLS, or allow it with --allow-plaintext" % url
    assert org.refused("service", "add", "example.org", url) == reason
    assert org.refused("provider", "set", "example.org", url) == reason
    assert org.refused("provider", "add", "uni", url) == reason
    assert org.refused("domain", "add", "example.net", url) == reason
    org("service", "add", "example.org", url, "--allow-plaintext")
    org.warned("domain", "add", "example.net", url, "--allow-plaintext")


@pytest.mark.parametrize("url", [
    "imap.example.org", "http://h.example", "imaps://", "imaps://h_h.example",
    "imaps://h.example:0", "imaps://h.example:65536", "imaps://xn--\u00e9.example",
    "imaps://h.example/x", "activesync+https://h.example", "imaps://192.0.2.1",
    "caldav+https://h.example", "caldav://h.example/x", "jmap+http://h.example/x",
    "managesieves://h.example/x"])
def test_urls_that_are_refused(ctl, url):
    assert "is not a service" in ctl.refused("provider", "add", "uni", url)


@pytest.mark.parametrize("url, reading", [
    ("imap+starttls://h.example:1143",
     "port 1143 for implicit TLS, as it does all ports but 143, 110, 25 and 587"),
    ("submissions://h.example:587", "port 587 for STARTTLS, as it does 143, 110, 25 and 587"),
])
def test_ports_that_are_misread(org, url, reading):
    assert org.warned("service", "add", "example.org", url) == [
        "'%s': in Outlook's document Thunderbird takes %s" % (url, reading)]


def test_ports_that_are_read_well(org):
    org("service", "add", "example.org", "imaps://h.example:10993")
    org("service", "add", "example.org", "submission+starttls://h.example:25")
    org("service", "add", "example.org", "activesync+https://h.example:587/eas")


def test_gaps_are_warned_of(ctl):
    outgoing = "provider 'uni' has no outgoing service, so Thunderbird refuses its " \
        "documents; add one with 'service add': submissions://HOST"
    incoming = "provider 'uni' has no incoming service, so Thunderbird refuses its " \
        "documents; add one with 'service add': imaps://HOST"
    empty = "provider 'uni' has no services, so no client gets an answer; add some with " \
        "'service add'"
    assert ctl.warned("provider", "add", "uni") == [empty]
    assert ctl.warned("domain", "add", "example.org", "--provider=uni") == [empty]
    assert ctl.warned("user", "add", "a@example.org", "a", "--provider=uni") == [empty]
    assert ctl.warned("service", "add", "uni", "submissions://h.example") == [incoming]
    assert ctl.warned("service", "add", "uni", "pop3s://h.example") == []
    assert ctl.warned("service", "remove", "uni", "smtps://h.example") == [outgoing]
    assert ctl.warned("provider", "set", "uni", "imaps://h.example") == [outgoing]
    assert ctl.warned("domain", "add", "example.net", "activesync+https://h.example/eas") == [
        incoming.replace("uni", "example.net")]


def test_service_remove(org):
    assert org.refused("service", "remove", "example.org", "pop3s://h.example") == \
        "provider 'example.org' has no service 'pop3s://h.example'; 'service list' shows those " \
        "it has"
    assert org("service", "remove", "example.org", "pop3s://h.example", "--if-exists") == ""
    assert org("service", "remove", "uni", "pop3s://h.example", "--if-exists") == ""
    org("service", "add", "example.org", "pop3s://h.example")
    assert org("service", "remove", "example.org", "pop3s://h.example:995") == \
        "service pop3s://h.example removed from provider example.org\n"
    assert [s["url"] for s in org.json("service", "list", "example.org")] == ORG


# Domains


def test_domain(ctl):
    assert ctl("domain", "add", "Example.ORG.", *ORG) == \
        "domain example.org added, provider example.org\n"
    ctl("provider", "add", "uni", *NET)
    assert ctl("domain", "add", "bücher.example", "--provider", "uni") == \
        "domain xn--bcher-kva.example added, provider uni\n"
    assert ctl("domain", "add", "*.example.org", "--alias-of", "EXAMPLE.org") == \
        "domain *.example.org added, alias of example.org\n"
    assert ctl.json("domain", "list") == [
        {"domain": "*.example.org", "alias_of": "example.org", "enabled": True},
        {"domain": "example.org", "provider": "example.org", "enabled": True},
        {"domain": "xn--bcher-kva.example", "provider": "uni", "enabled": True},
    ]
    assert ctl("domain", "list") == \
        "DOMAIN                 PROVIDER     ALIAS-OF     ENABLED\n" \
        "*.example.org                       example.org  yes\n" \
        "example.org            example.org               yes\n" \
        "xn--bcher-kva.example  uni                       yes\n"
    assert ctl("domain", "show", "BÜCHER.example") == \
        "domain    xn--bcher-kva.example\nprovider  uni\nenabled   yes\n"
    assert ctl.json("provider", "show", "uni")["domains"] == ["xn--bcher-kva.example"]


def test_domain_exists(org):
    assert org.refused("domain", "add", "example.org", *NET) == \
        "domain 'example.org' exists already, provider example.org; use 'domain set' to change it"


def test_domain_has_options_of_its_provider(ctl):
    ctl("domain", "add", "example.org", "--login=%EMAILLOCALPART%", "--display-name=Org", *ORG)
    shown = ctl.json("provider", "show", "example.org")
    assert shown["login"] == "%EMAILLOCALPART%" and shown["display_name"] == "Org"


@pytest.mark.parametrize("words", [
    [], ["--provider=a", "--alias-of=b"], ["--provider=a", *ORG], ["--alias-of=b", *ORG],
    ["--provider=a", "--login=%EMAILLOCALPART%"]])
def test_domain_add_goes_one_way(org, words):
    org.misused("domain", "add", "example.net", *words)


@pytest.mark.parametrize("name", ["", "a_b.example", "a..b", "a-.example", "192.0.2.1", "a b",
                                  "*example.org", "*.*.example.org", "x" * 64 + ".example"])
def test_domain_names_that_are_refused(ctl, name):
    assert "is not a domain name" in ctl.refused("domain", "add", name, *ORG)


def test_any_domain(ctl):
    assert ctl.refused("domain", "add", "*", *ORG) == \
        "'*' serves every domain that points here, including those of others; if this is intended, " \
        "add --any-domain"
    assert ctl("domain", "add", "*", "--any-domain", *ORG) == "domain * added, provider *\n"


def test_name_of_implicit_provider_is_taken(ctl):
    ctl("provider", "add", "example.org", *ORG)
    assert ctl.refused("domain", "add", "example.org", *ORG) == \
        "provider 'example.org' exists already; use 'domain add example.org --provider " \
        "example.org'"


def test_alias_targets(org):
    org("domain", "add", "alias.example", "--alias-of=example.org")
    org("domain", "add", "*.example.org", *ORG)

    def refused(target):
        return org.refused("domain", "add", "new.example", "--alias-of", target)

    assert refused("none.example") == \
        "there is no domain 'none.example'; 'domain list' shows all"
    assert refused("a.example.org") == \
        "there is no domain 'a.example.org'; '*.example.org' answers for it"
    assert refused("alias.example") == \
        "domain 'alias.example' is itself an alias; use '--alias-of example.org'"
    assert refused("*.example.org") == "'*.example.org' stands for many domains, and an alias " \
        "needs one"
    assert refused("new.example") == "domain 'new.example' cannot be an alias of itself"


def test_target_of_aliases_stays(org):
    for name in "abcde":
        org("domain", "add", name + ".example", "--alias-of=example.org")
    org("domain", "add", "example.net", *NET)
    assert org.refused("domain", "remove", "example.org") == \
        "domain 'example.org' cannot be removed while 'a.example', 'b.example', 'c.example' and " \
        "2 more are aliases of it; change or remove those first"
    assert "cannot be made an alias while" in \
        org.refused("domain", "set", "example.org", "--alias-of=example.net")
    for name in "abcd":
        org("domain", "remove", name + ".example")
    assert org.refused("domain", "remove", "example.org") == \
        "domain 'example.org' cannot be removed while 'e.example' is an alias of it; change or " \
        "remove that first"
    org("domain", "set", "e.example", "--provider=example.net")
    org("domain", "remove", "example.org")


def test_domain_set(org):
    org("provider", "add", "uni", *NET)
    org("domain", "add", "example.net", "--provider=uni")
    assert org("domain", "set", "example.net", "--provider=example.org") == \
        "domain example.net changed, provider example.org\n"
    assert org("domain", "set", "example.net", "--alias-of=example.org") == \
        "domain example.net changed, alias of example.org\n"
    assert org.json("domain", "show", "example.net") == {
        "domain": "example.net", "alias_of": "example.org", "enabled": True}
    assert org.misused("domain", "set", "example.net").startswith(
        "'domain set' needs something to set: --provider NAME, --alias-of DOMAIN or "
        "--moved-to TARGET")
    assert org.misused("domain", "set", "example.net", "--provider=uni",
                       "--alias-of=example.org").startswith(
        "'domain set' takes only one of --provider NAME and --alias-of DOMAIN")
    assert org.refused("domain", "set", "example.com", "--provider=uni") == \
        "there is no domain 'example.com'; 'domain list' shows all"


def providers(ctl):
    return [provider["name"] for provider in ctl.json("provider", "list")]


def test_implicit_provider_goes_with_its_last_domain(org):
    org("domain", "add", "example.net", "--provider=example.org")
    assert org("domain", "remove", "example.org") == "domain example.org removed\n"
    assert providers(org) == ["example.org"]
    assert org("domain", "remove", "example.net") == \
        "domain example.net removed\nprovider example.org removed: no longer used\n"
    assert providers(org) == []


def test_implicit_provider_goes_when_its_domain_moves(org):
    org("provider", "add", "uni", *NET)
    assert "provider example.org removed" in org("domain", "set", "example.org", "--provider=uni")
    assert providers(org) == ["uni"]
    org("domain", "remove", "example.org")
    assert providers(org) == ["uni"]


def test_implicit_provider_stays_for_users(org):
    org("domain", "add", "example.net", *NET)
    org("user", "add", "a@example.net", "a", "--provider=example.org")
    org("user", "add", "b@example.net", "b", "--provider=example.org")
    org("domain", "remove", "example.org")
    assert providers(org) == ["example.net", "example.org"]
    org("user", "set", "a@example.net", "--provider=")
    assert providers(org) == ["example.net", "example.org"]
    assert "provider example.org removed" in org("user", "remove", "b@example.net")
    assert providers(org) == ["example.net"]


def test_keep(org):
    """Whether a provider goes with its last domain can be chosen, too."""
    assert org.json("provider", "show", "example.org")["keep"] is False
    org("provider", "set", "example.org", "--keep", "yes")
    assert org("domain", "remove", "example.org") == "domain example.org removed\n"
    org("domain", "add", "example.net", "--keep=yes", *NET)
    assert org("domain", "remove", "example.net") == "domain example.net removed\n"
    assert providers(org) == ["example.net", "example.org"]
    org("provider", "add", "uni", "--keep=no", *NET)
    org("domain", "add", "example.com", "--provider=uni")
    assert org("domain", "remove", "example.com") == \
        "domain example.com removed\nprovider uni removed: no longer used\n"


def test_implicit_provider_goes_with_users_of_another_domain(org):
    org("domain", "add", "example.net", *NET)
    org("user", "add", "a@example.net", "a", "--provider=example.org")
    org("domain", "remove", "example.org")
    assert org("domain", "remove", "example.net", "--with-users") == \
        "domain example.net removed\n1 user removed\n" \
        "provider example.org removed: no longer used\n" \
        "provider example.net removed: no longer used\n"


def test_domain_with_users(org):
    org("user", "add", "a@example.org", "a")
    org("user", "add", "@example.org", "b")
    assert org.refused("domain", "remove", "example.org") == \
        "domain 'example.org' has 2 users; 'user list example.org' shows them; to remove them " \
        "too, use --with-users"
    assert len(org.json("user", "list")) == 2
    assert org("domain", "remove", "example.org", "--with-users").startswith(
        "domain example.org removed\n2 users removed\n")
    assert org.json("user", "list") == []


def test_pattern_with_users(org):
    org("domain", "add", "*.example.org", "--alias-of=example.org")
    org("domain", "add", "*.b.example.org", "--alias-of=example.org")
    for address in ["x@example.org", "x@a.example.org", "y@a.example.org", "x@c.example.org",
                    "x@a.b.example.org"]:
        org("user", "add", address, "x")
    assert org.refused("domain", "remove", "*.example.org") == \
        "without '*.example.org' nothing would serve 3 users of 'a.example.org' and 1 more " \
        "domain; to remove them too, use --with-users"
    assert org("domain", "remove", "*.b.example.org") == "domain *.b.example.org removed\n"
    assert org("domain", "remove", "*.example.org", "--with-users") == \
        "domain *.example.org removed\n4 users removed\n"
    assert org.json("user", "list") == [{"address": "x@example.org", "login": "x"}]


def test_missing_domain(org):
    assert org.refused("domain", "remove", "example.net") == \
        "there is no domain 'example.net'; 'domain list' shows all"
    assert org("domain", "remove", "example.net", "--if-exists") == ""
    assert "is not a domain name" in org.refused("domain", "remove", "a_b", "--if-exists")


def test_enable_and_disable(org):
    assert org("domain", "enable", "example.org") == "domain example.org is already enabled\n"
    assert org("domain", "disable", "example.org") == "domain example.org disabled\n"
    assert org("domain", "disable", "example.org") == "domain example.org is already disabled\n"
    assert org.json("domain", "show", "example.org")["enabled"] is False
    assert org.warned("user", "add", "a@example.org", "a") == [
        "domain 'example.org' is disabled, so nothing is answered for 'a@example.org'; use 'domain enable example.org'"]
    assert org.warned("domain", "add", "example.net", "--alias-of=example.org") == [
        "domain 'example.org' is disabled, so nothing is answered for its aliases; "
        "use 'domain enable example.org'"]
    assert org.warned("user", "add", "a@example.net", "a") == [
        "domain 'example.org' is disabled, so nothing is answered for 'a@example.net'; use 'domain enable example.org'"]
    assert org("domain", "enable", "example.org") == "domain example.org enabled\n"


# Moves


@pytest.fixture
def four(ctl):
    """With the domains a.example to d.example, and the user x in each."""
    for name in "abcd":
        ctl("domain", "add", name + ".example", "imaps://imap.%s.example" % name,
            "submissions://smtp.%s.example" % name)
        ctl("user", "add", "x@%s.example" % name, "x")
    return ctl


def move(ctl, what, target):
    """Redirects users and domains as the name of the test says."""
    return ctl("user" if "@" in what else "domain", "set", what, "--moved-to", target)


def circle(name):
    return "clients of '%s' would be redirected in a loop; change where it redirects to" % name


def there_before(error):
    """The warning of two loops, of which this is the first."""
    return error.replace("; ", " (and so for 1 more); ", 1)


def test_domain_moves(org):
    assert org("domain", "set", "example.org", "--moved-to", "BÜCHER.example") == \
        "domain example.org changed, provider example.org, moved to xn--bcher-kva.example\n"
    assert org.json("domain", "show", "example.org") == {
        "domain": "example.org", "provider": "example.org", "moved_to": "xn--bcher-kva.example",
        "enabled": True}
    assert org.json("domain", "list")[0]["moved_to"] == "xn--bcher-kva.example"
    assert org("domain", "show", "example.org") == \
        "domain    example.org\nprovider  example.org\n" \
        "moved-to  xn--bcher-kva.example\nenabled   yes\n"
    assert org("domain", "set", "example.org", "--moved-to", "HTTPS://Auto.Example.net:443/A?b&c") \
        == "domain example.org changed, provider example.org, moved to " \
        "https://auto.example.net/A?b&c\n"
    org("provider", "add", "uni", *NET)
    assert org("domain", "set", "example.org", "--provider=uni") == \
        "domain example.org changed, provider uni, moved to https://auto.example.net/A?b&c\n" \
        "provider example.org removed: no longer used\n"
    assert org("domain", "set", "example.org", "--moved-to=") == \
        "domain example.org changed, provider uni\n"
    assert "moved_to" not in org.json("domain", "show", "example.org")
    assert "moved-to" not in org("domain", "show", "example.org")


def test_user_moves(org):
    org("user", "add", "first.last@example.org", "a4711")
    assert org("user", "set", "first.last@example.org", "--moved-to", "Last@BÜCHER.example") == \
        "user first.last@example.org changed, login a4711, moved to Last@xn--bcher-kva.example\n"
    assert org.json("user", "show", "first.last@example.org") == {
        "address": "first.last@example.org", "login": "a4711",
        "moved_to": "Last@xn--bcher-kva.example"}
    assert org.json("user", "list")[0]["moved_to"] == "Last@xn--bcher-kva.example"
    assert org("user", "show", "first.last@example.org") == \
        "address   first.last@example.org\nlogin     a4711\n" \
        "moved-to  Last@xn--bcher-kva.example\n"
    assert org("user", "set", "first.last@example.org", "--login=a4712") == \
        "user first.last@example.org changed, login a4712, moved to Last@xn--bcher-kva.example\n"
    assert org("user", "set", "first.last@example.org", "--moved-to", "") == \
        "user first.last@example.org changed, login a4712\n"
    assert org.json("user", "show", "first.last@example.org") == {
        "address": "first.last@example.org", "login": "a4712"}


def sent_back(domain, host):
    return "domain '%s' cannot move to '%s': that is this server, which would redirect clients " \
        "again; name the domain to ask for instead: --moved-to DOMAIN" % (
            domain, host)


def settings(ctl, public_name):
    with open(ctl.config, "a") as config:
        config.write("[server]\npublic-name = %s\n" % public_name)


@pytest.mark.parametrize("public_name", ["auto.example.org", "auto.example.org:443"])
def test_nobody_is_sent_back_here(org, public_name):
    settings(org, public_name)
    words = "domain", "set", "example.org", "--moved-to"
    assert org.refused(*words, "https://Auto.example.org/autodiscover/autodiscover.xml") == \
        sent_back("example.org", "auto.example.org")
    org(*words, "https://auto.example.org:8443/x")
    org(*words, "https://auto.example.org.example/x")
    org(*words, "https://auto.example.net:8443/x")
    assert org.refused("provider", "set", "example.org", "--public-name", "auto.example.net:8443") == \
        sent_back("example.org", "auto.example.net:8443")
    org(*words, "example.net")
    org("provider", "set", "example.org", "--public-name", "auto.example.net:8443")
    assert org.refused(*words, "https://auto.example.net:8443/y") == \
        sent_back("example.org", "auto.example.net:8443")


def test_nobody_is_sent_to_the_name_of_the_host(org):
    """It is what the daemon takes where the settings have none."""
    name = Path("/proc/sys/kernel/hostname").read_text(encoding="ascii").strip()
    if "." not in name:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM, flags=socket.AI_CANONNAME)
        name = found[0][3] if "." in found[0][3] else name
    words = "domain", "set", "example.org", "--moved-to", "https://%s/x" % name
    assert org.refused(*words) == sent_back("example.org", name.lower())
    settings(org, "auto.example.net")
    org(*words)


@pytest.mark.parametrize("prefix", ["autodiscover", "autoconfig", "ua-auto-config"])
def test_nobody_is_sent_to_the_host_of_a_domain_served_here(org, prefix):
    host = prefix + ".example.org"
    words = "domain", "set", "example.org", "--moved-to"
    assert org.refused(*words, "https://%s/autodiscover/autodiscover.xml" % host) == \
        sent_back("example.org", host)
    # What is there, is somebody else's.
    org(*words, "https://example.org/autodiscover/autodiscover.xml")
    org(*words, "https://%s:8443/x" % host)
    org(*words, "https://%s.example.net/x" % prefix)
    assert org.refused("domain", "add", "example.net", "--alias-of=example.org") == \
        sent_back("example.org", prefix + ".example.net")
    org("domain", "add", "*.net", "--provider=example.org")
    org("domain", "disable", "example.org")
    org(*words, "https://%s/x" % host)
    assert org.refused("domain", "enable", "example.org") == sent_back("example.org", host)


def test_import_sends_nobody_back_here(org, tmp_path):
    settings(org, "auto.example.org")
    path = tmp_path / "domains.csv"
    path.write_text("domain,moved_to\nexample.org,https://auto.example.org/x\n", encoding="ascii")
    for dry in ([], ["--dry-run"]):
        assert org.refused("domain", "import", str(path), *dry) == \
            sent_back("example.org", "auto.example.org")
    assert "moved_to" not in org.json("domain", "show", "example.org")


def test_a_loop_that_was_there_keeps_nothing_else_from_being_done(org):
    """Such as that of a public name in settings that have changed."""
    org("domain", "add", "example.net", "--provider=example.org")
    org("domain", "set", "example.org", "--moved-to", "https://auto.example.net/x")
    org("domain", "set", "example.net", "--moved-to", "https://auto.example.net/y")
    settings(org, "auto.example.net")
    assert org.warned("user", "add", "a@example.org", "a") == [
        there_before(sent_back("example.net", "auto.example.net"))]
    assert org.warned("domain", "set", "example.net", "--moved-to=") == [
        sent_back("example.org", "auto.example.net")]
    assert org.refused("domain", "set", "example.net", "--moved-to=https://auto.example.net/y") == \
        sent_back("example.net", "auto.example.net")
    org("domain", "set", "example.org", "--moved-to=")


def test_lists_have_a_column_of_moves_where_there_are_any(org):
    org("user", "add", "first.last@example.org", "a4711")
    org("domain", "add", "example.net", "--alias-of=example.org")
    org("user", "add", "b@example.net", "b")
    assert "MOVED-TO" not in org("domain", "list") + org("user", "list")
    org("domain", "set", "example.net", "--moved-to", "new.example")
    org("user", "set", "b@example.net", "--moved-to", "b@new.example")
    assert org("domain", "list").splitlines() == [
        "DOMAIN       PROVIDER     ALIAS-OF     ENABLED  MOVED-TO",
        "example.net               example.org  yes      new.example",
        "example.org  example.org               yes"]
    assert org("user", "list").splitlines() == [
        "ADDRESS                 LOGIN  NAME  PROVIDER  MOVED-TO",
        "b@example.net           b                      b@new.example",
        "first.last@example.org  a4711"]
    assert "MOVED-TO" in org("user", "list", "example.net")
    assert "MOVED-TO" not in org("user", "list", "example.org")
    assert "MOVED-TO" in org("user", "list", "--login=b")
    assert "MOVED-TO" not in org("user", "list", "--login=a4711")
    assert [user.get("moved_to") for user in org.json("user", "list")] == ["b@new.example", None]


@pytest.mark.parametrize("target, sentence", [
    ("Example.ORG", "domain 'example.org' cannot move to itself"),
    ("a_b", "'a_b' is not a domain name"),
    ("*.example.net", "'*.example.net' is not a domain name"),
    ("a@example.net", "'a@example.net' is not a domain name"),
    *((url, "'%s' is not a URL to send clients to; write https://HOST[:PORT]/PATH" % url) for url in (
        "http://auto.example.net/x", "https://auto.example.net", "https://a_b.example/x",
        "https://auto.example.net:0/x", "https://%EMAILDOMAIN%/x", "https://192.0.2.1/x",
        "https://fred:secret@auto.example.net/x", "https://auto.example.net/a b", "example.net/x",
        "https:///x")),
])
def test_domain_moves_that_are_refused(org, target, sentence):
    assert org.refused("domain", "set", "example.org", "--moved-to", target) == sentence
    assert "moved_to" not in org.json("domain", "show", "example.org")


def test_user_moves_that_are_refused(org):
    org("user", "add", "a@example.org", "a")
    org("user", "add", "@example.org", "team")

    def refused(address, target):
        return org.refused("user", "set", address, "--moved-to", target)

    assert refused("a@example.org", "A@Example.org") == \
        "user 'a@example.org' cannot move to itself"
    assert refused("a@example.org", "example.net") == \
        "'example.net' is not a mail address: it has no '@'"
    assert "is not a mail address" in refused("a@example.org", "https://auto.example.net/x")
    assert refused("@example.org", "a@example.net") == \
        "the catch-all '@example.org' cannot move; see 'domain set --moved-to'"
    assert [user.get("moved_to") for user in org.json("user", "list")] == [None, None]


@pytest.mark.parametrize("moves, last, where", [
    # domains
    ([("a.example", "b.example")], ("b.example", "a.example"), "a.example"),
    ([("a.example", "b.example"), ("b.example", "c.example")], ("c.example", "a.example"),
     "a.example"),
    # users
    ([("x@a.example", "x@b.example")], ("x@b.example", "X@A.example"), "X@a.example"),
    ([("x@a.example", "x@b.example"), ("x@b.example", "x@c.example")],
     ("x@c.example", "x@a.example"), "x@a.example"),
    # with a tag, which the row does not have
    ([("x@a.example", "x+tag@b.example")], ("x@b.example", "x@a.example"), "x@a.example"),
    # a user and a domain, whichever moved first
    ([("a.example", "b.example")], ("x@b.example", "x@a.example"), "x@b.example"),
    ([("x@b.example", "x@a.example")], ("a.example", "b.example"), "x@b.example"),
])
def test_circles(four, moves, last, where):
    for what, target in moves:
        move(four, what, target)
    what, target = last
    before = four.json("domain", "list"), four.json("user", "list")
    assert four.refused("user" if "@" in what else "domain", "set", what, "--moved-to", target) == \
        circle(where)
    assert (four.json("domain", "list"), four.json("user", "list")) == before
    move(four, moves[0][0], "")
    move(four, what, target)


def test_circle_through_an_alias(four):
    four("domain", "add", "alias.example", "--alias-of=b.example")
    move(four, "c.example", "alias.example")
    assert four.refused("domain", "set", "b.example", "--moved-to=c.example") == \
        circle("c.example")
    move(four, "x@c.example", "x@d.example")
    assert four.refused("user", "set", "x@d.example", "--moved-to=x@c.example") == \
        circle("x@c.example")


def test_circle_that_an_alias_closes(four):
    move(four, "b.example", "c.example")
    move(four, "c.example", "new.example")
    assert four.refused("domain", "add", "new.example", "--alias-of=b.example") == \
        circle("c.example")
    four("domain", "add", "new.example", "--provider=b.example")
    four("user", "remove", "x@d.example")
    move(four, "d.example", "new.example")
    assert four.refused("domain", "set", "new.example", "--alias-of=b.example") == \
        circle("c.example")


def test_alias_of_a_domain_that_moved_to_it(four):
    """Nobody is sent where he came from."""
    four("domain", "add", "new.example", "--alias-of=b.example")
    move(four, "b.example", "new.example")


def test_circle_through_a_pattern(four):
    four("domain", "add", "*.a.example", "--provider=a.example")
    move(four, "b.example", "sub.a.example")
    assert four.refused("domain", "set", "*.a.example", "--moved-to=b.example") == \
        circle("b.example")
    move(four, "b.example", "")
    move(four, "*.a.example", "b.example")
    assert four.refused("domain", "set", "b.example", "--moved-to=sub.a.example") == \
        circle("b.example")


def test_circle_that_a_removal_closes(four):
    """What was between is gone, and a pattern answers in its place."""
    four("domain", "add", "*.a.example", "--provider=a.example")
    four("domain", "add", "sub.a.example", "--provider=a.example")
    move(four, "b.example", "sub.a.example")
    move(four, "*.a.example", "b.example")
    before = four.json("domain", "list")
    assert four.refused("domain", "remove", "sub.a.example") == circle("b.example")
    assert four.json("domain", "list") == before
    move(four, "b.example", "")
    four("domain", "remove", "sub.a.example")


@pytest.mark.parametrize("words", [("remove", "x@a.example"), ("set", "x@a.example", "--moved-to=")])
def test_circle_that_a_user_kept_open(four, words):
    """A user's own move comes before that of the domain."""
    move(four, "x@a.example", "x@d.example")
    move(four, "x@b.example", "x@a.example")
    move(four, "a.example", "b.example")
    before = four.json("user", "list")
    assert four.refused("user", *words) == circle("x@b.example")
    assert four.json("user", "list") == before
    move(four, "x@b.example", "")
    four("user", *words)


def test_pattern_moves_to_a_domain_that_it_covers(four):
    """That domain stays."""
    four("domain", "add", "*.a.example", "--provider=a.example")
    move(four, "*.a.example", "new.a.example")


def test_circle_that_enabling_closes(four):
    four("domain", "disable", "b.example")
    move(four, "b.example", "a.example")
    move(four, "a.example", "b.example")
    assert four.refused("domain", "enable", "b.example") == circle("a.example")
    assert four.json("domain", "show", "b.example")["enabled"] is False


def test_circle_that_a_user_who_stayed_kept_open(four):
    """Under the alias there is a user, who stands before the one that moved."""
    four("domain", "add", "alias.example", "--alias-of=a.example")
    four("user", "add", "y@a.example", "y")
    four("user", "add", "y@alias.example", "y")
    move(four, "x@a.example", "y@alias.example")
    move(four, "y@a.example", "x@a.example")
    before = four.json("user", "list")
    assert four.refused("user", "remove", "y@alias.example") == circle("x@a.example")
    assert four.json("user", "list") == before


def test_circle_that_a_delimiter_closes(four):
    four("user", "add", "y@b.example", "y")
    move(four, "x@a.example", "y-tag@b.example")
    move(four, "y@b.example", "x@a.example")
    words = "provider", "set", "b.example", "--recipient-delimiter=-"
    assert four.refused(*words) == circle("x@a.example")
    assert [provider["recipient_delimiter"] for provider in four.json("provider", "list")] == ["+"] * 4
    move(four, "y@b.example", "")
    four(*words)


def test_circle_that_another_provider_closes(four):
    """Its delimiter is another one."""
    four("provider", "set", "c.example", "--recipient-delimiter=-")
    four("user", "add", "y@b.example", "y")
    move(four, "x@a.example", "y-tag@b.example")
    move(four, "y@b.example", "x@a.example")
    assert four.refused("domain", "set", "b.example", "--provider=c.example") == \
        circle("x@a.example")


def test_circle_that_a_new_user_closes(four):
    """Who is there himself does not move with the row without his tag."""
    move(four, "x@a.example", "x@d.example")
    move(four, "x@b.example", "x+tag@a.example")
    move(four, "a.example", "c.example")
    four("domain", "add", "alias.example", "--alias-of=b.example")
    four("user", "add", "x+tag@c.example", "x")
    move(four, "x+tag@c.example", "x@alias.example")
    assert four.refused("user", "add", "x+tag@a.example", "x") == circle("x+tag@a.example")


def test_circle_that_a_hand_made_is_told(four):
    """It was there before: what else is done is done, and what undoes it."""
    move(four, "a.example", "b.example")
    with contextlib.closing(sqlite3.connect(four.database)) as connection, connection:
        connection.execute("UPDATE domain SET moved_to = 'a.example' WHERE name = 'b.example'")
    assert four.warned("user", "add", "y@a.example", "y") == [
        there_before(circle("a.example"))]
    move_d = "domain", "set", "d.example", "--moved-to=c.example"
    assert four.warned(*move_d) == [there_before(circle("a.example"))]
    assert four.refused("domain", "set", "c.example", "--moved-to=d.example") == circle("c.example")
    four("domain", "set", "b.example", "--moved-to=")


def test_way_that_is_too_long(ctl):
    """Outlook gives up after ten."""
    for i in range(12):
        ctl("domain", "add", "d%d.example" % i, "imaps://h.example", "submissions://h.example")
    for i in range(10, 0, -1):
        move(ctl, "d%d.example" % i, "d%d.example" % (i + 1))
    assert ctl.refused("domain", "set", "d0.example", "--moved-to=d1.example") == \
        "clients of 'd0.example' would be redirected more than 10 times; shorten the chain of redirects"
    move(ctl, "d0.example", "d2.example")


# Users


def test_user(org):
    assert org("user", "add", "First.Last@Example.org", "a4711", "--name", "First Last") == \
        "user first.last@example.org added, login a4711\n"
    assert org.json("user", "show", "FIRST.last@example.org") == {
        "address": "first.last@example.org", "login": "a4711", "name": "First Last"}
    assert org.refused("user", "add", "first.last@example.org", "a4712") == \
        "user 'first.last@example.org' exists already, login 'a4711'; use 'user set' to change it"
    assert org("user", "set", "first.last@example.org", "--login=a4712", "--name=",
               "--provider=example.org") == "user first.last@example.org changed, login a4712\n"
    assert org("user", "show", "first.last@example.org") == \
        "address   first.last@example.org\nlogin     a4712\nprovider  example.org\n"
    org("user", "set", "first.last@example.org", "--provider", "", "--name=Fürst Läst")
    assert org.json("user", "show", "first.last@example.org") == {
        "address": "first.last@example.org", "login": "a4712", "name": "Fürst Läst"}
    assert org("user", "remove", "first.last@example.org") == \
        "user first.last@example.org removed\n"


def test_missing_user(org):
    assert org.refused("user", "show", "a@example.org") == \
        "there is no user 'a@example.org'; 'preview outlook a@example.org' shows what the " \
        "address gets"
    assert org.refused("user", "set", "a@example.org", "--login=a") == \
        "there is no user 'a@example.org'; use 'user add' to add it"
    assert org.refused("user", "remove", "a@example.org") == "there is no user 'a@example.org'"
    assert org("user", "remove", "a@example.org", "--if-exists") == ""
    assert org.misused("user", "set", "a@example.org").startswith(
        "'user set' needs something to set: --login, --name, --provider or --moved-to")


def test_catch_all(org):
    assert org("user", "add", "@Example.org", "team") == "user @example.org added, login team\n"
    assert org.json("user", "show", "@example.org") == {"address": "@example.org",
                                                        "login": "team"}
    assert "is not a domain name" in org.refused("user", "add", "@", "team")
    assert "is not a domain name" in org.refused("user", "add", "@*.example.org", "team")


def test_user_of_unserved_domain(org):
    assert org.refused("user", "add", "a@example.net", "a") == \
        "nothing here serves the domain 'example.net'; use 'domain add' first"
    org("domain", "add", "*.example.org", "--alias-of=example.org")
    org("user", "add", "a@sub.example.org", "a")


@pytest.mark.parametrize("address", ["a", "a b@example.org", '"a"@example.org', "a@b_c.example",
                                     "x" * 65 + "@example.org", "a@", "a@192.0.2.1"])
def test_addresses_that_are_refused(org, address):
    assert "is not a mail address" in org.refused("user", "add", address, "a")


@pytest.mark.parametrize("login, words", [
    ("", "the login must not be empty"),
    (" ", "begins or ends with whitespace"),
    ("a ", "begins or ends with whitespace"),
    ("a\tb", "control character"),
    (b"\xff", "is not UTF-8"),
    ("x" * 256, "the login has more than 255 bytes"),
    ("%EMAILADDRESS%", "login '%EMAILADDRESS%' has a placeholder, and a user's login is taken "
     "as it stands; patterns belong to the provider: 'provider set NAME --login PATTERN'"),
])
def test_logins_that_are_refused(org, login, words):
    assert words in org.refused("user", "add", "a@example.org", login)
    org("user", "add", "b@example.org", "b")
    assert words in org.refused("user", "set", "b@example.org", "--login", login)


@pytest.mark.parametrize("login, reading, example", [
    ("007", "a number", "7 for 007 or 100000 for 1e5"), ("1e5", "a number", "7 for 007 or 100000 for 1e5"),
    ("0x10", "a number", "7 for 007 or 100000 for 1e5"), ("true", "a Boolean", "true for TRUE"),
    ("FALSE", "a Boolean", "true for TRUE")])
def test_logins_that_are_misread(org, login, reading, example):
    warning = "Thunderbird on the desktop reads the login '%s' as %s, and may log in with " \
        "another text, as with %s" % (login, reading, example)
    assert org.warned("user", "add", "a@example.org", login) == [warning]
    assert org.warned("user", "add", "@example.org", login) == [warning]
    assert org.warned("user", "set", "a@example.org", "--login", login) == [warning]
    assert org.warned("user", "add", login + "@example.org", login) == []


def test_user_list(org):
    assert org("user", "list") == "" and org.json("user", "list") == []
    org("domain", "add", "example.net", *NET)
    org("user", "add", "b@example.org", "same")
    org("user", "add", "a@example.org", "a", "--name=日本", "--provider=example.net")
    org("user", "add", "z@example.net", "same", "--provider=example.org")
    org("user", "add", "@example.org", "x")
    assert org("user", "list") == \
        "ADDRESS        LOGIN  NAME  PROVIDER\n" \
        "z@example.net  same         example.org\n" \
        "@example.org   x\n" \
        "a@example.org  a      日本  example.net\n" \
        "b@example.org  same\n"

    def addresses(*words):
        return [user["address"] for user in org.json("user", "list", *words)]

    assert addresses("EXAMPLE.org") == ["@example.org", "a@example.org", "b@example.org"]
    assert addresses("--login=same") == ["z@example.net", "b@example.org"]
    assert addresses("--login=same", "example.org") == ["b@example.org"]
    assert addresses("example.com") == []


def test_long_list(org):
    """More users than are held back for the widths of columns."""
    database = sqlite3.connect(org.database)
    database.executemany("INSERT INTO user (domain, local, login) VALUES ('example.org', ?, ?)",
                         [("u%04d" % i, "x" * (1 + i // 1000)) for i in range(2500)])
    database.commit()
    database.close()
    lines = org("user", "list").splitlines()
    assert len(lines) == 2501
    assert lines[0] == "ADDRESS            LOGIN  NAME  PROVIDER"
    assert lines[2500] == "u2499@example.org  xxx"
    users = org.json("user", "list")
    assert len(users) == 2500 and users[2499] == {"address": "u2499@example.org", "login": "xxx"}


def test_what_a_terminal_would_obey_is_escaped(org):
    """Other hands than the tool's can write to the database."""
    database = sqlite3.connect(org.database)
    database.execute("INSERT INTO user (domain, local, login, name) VALUES "
                     "('example.org', 'a', ?, ?)", ("x\x1b[2J\ny", "\u009b1m\u202e"))
    database.execute("INSERT INTO user (domain, local, login) VALUES "
                     "('example.org', 'b', CAST(x'61ff' AS TEXT))")
    database.commit()
    database.close()
    assert org("user", "list") == \
        "ADDRESS        LOGIN              NAME            PROVIDER\n" \
        "a@example.org  x\\u001b[2J\\u000ay  \\u009b1m\\u202e\n" \
        "b@example.org  a\\xff\n"
    text = org("--json", "user", "list")
    assert all(c == "\n" or c.isprintable() for c in text)
    assert org.json("user", "list")[0] == {"address": "a@example.org", "login": "x\x1b[2J\ny",
                                           "name": "\u009b1m\u202e"}
    assert "login 'x\\u001b[2J\\u000ay'" in org.refused("user", "add", "a@example.org", "a")


def test_a_domain_that_is_not_utf8_is_shown_escaped(org):
    with contextlib.closing(sqlite3.connect(org.database)) as database, database:
        database.execute("INSERT INTO domain (name, provider, is_enabled) "
                         "SELECT CAST(x'61ff2e6f7267' AS TEXT), provider, 1 FROM domain")
    assert "a\\xff.org" in org("provider", "show", "example.org")
    assert org.json("provider", "show", "example.org")["domains"] == ["a\\xff.org", "example.org"]


def test_hint_for_a_terminal(org):
    ours, theirs = os.openpty()
    result = subprocess.run(org.command("user", "list"), stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    assert (result.returncode, result.stdout) == (0, b"")
    assert os.read(ours, 200) == b"mailconfctl: there are no users; 'user add' makes one\r\n"
    os.close(ours)
