"""Users by the file: mailconfctl user import."""

import contextlib
import os
import pty
import random
import re
import resource
import signal
import sqlite3
import subprocess
import time

import pytest

from mailconfctl import Mailconfctl, joined

pytestmark = pytest.mark.sanitize

SERVICES = ["imaps://imap.example.org", "submissions://smtp.example.org"]


@pytest.fixture
def ctl(tmp_path):
    ctl = Mailconfctl(str(tmp_path))
    ctl("domain", "add", "example.org", *SERVICES)
    ctl("domain", "add", "example.net", "--alias-of", "example.org")
    return ctl


@pytest.fixture
def write(tmp_path):
    def write(text, name="users"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)
    return write


def csv(count, domain="example.org", login="a%d", first=0):
    rows = [f"user{i}@{domain},{login % i}\n" for i in range(first, first + count)]
    return "address,login\n" + "".join(rows)


def users(ctl):
    return {entry["address"]: entry["login"] for entry in ctl.json("user", "list")}


def piped(ctl, text, *words):
    return subprocess.run(ctl.command(*words), input=text, text=True, capture_output=True,
                          timeout=60, check=False)


def complaints(ctl, *words):
    """What the import refuses, line by line; nothing may be changed by it."""
    before = ctl("--json", "user", "list")
    result = ctl.run("user", "import", *words)
    assert (result.returncode, result.stdout) == (1, "")
    assert ctl("--json", "user", "list") == before
    return [line.removeprefix("mailconfctl: ") for line in result.stderr.splitlines()]


# What is added, changed and removed


def test_added_changed_unchanged(ctl, write):
    path = write("address,login,name\n"
                 "Second@Example.ORG,b,\n"
                 "first@example.org,a,\"Last, First\"\n"
                 "@example.net,rest,\n")
    assert ctl("user", "import", path) == "3 users added, 0 changed, 0 removed\n"
    assert ctl.json("user", "list") == [
        {"address": "@example.net", "login": "rest"},
        {"address": "first@example.org", "login": "a", "name": "Last, First"},
        {"address": "second@example.org", "login": "b"}]
    path = write("address,login\nfirst@example.org,c\nsecond@example.org,b\nthird@example.org,d\n")
    assert ctl("user", "import", path) == "1 user added, 1 changed, 0 removed\n"
    # What the file does not say stays.
    assert ctl.json("user", "show", "first@example.org") == {
        "address": "first@example.org", "login": "c", "name": "Last, First"}
    path = write("address,login,name\nfirst@example.org,c,\n")
    assert ctl("user", "import", path) == "0 users added, 1 changed, 0 removed\n"
    assert "name" not in ctl.json("user", "show", "first@example.org")
    assert ctl("user", "import", path) == "0 users added, 0 changed, 0 removed\n"


def test_standard_input(ctl):
    result = piped(ctl, csv(3), "user", "import")
    assert (result.stdout, result.stderr) == ("3 users added, 0 changed, 0 removed\n", "")
    result = piped(ctl, csv(4), "user", "import", "-")
    assert (result.stdout, result.stderr) == ("1 user added, 0 changed, 0 removed\n", "")
    assert piped(ctl, "a\n", "user", "import").stderr.startswith("mailconfctl: standard input:1: ")


def test_all_columns(ctl, write):
    ctl("provider", "add", "uni", *SERVICES)
    path = write("provider,moved_to,login,address,name\n"
                 "uni,Other@example.com,a,a@example.org,A\n"
                 ",,b,b@example.org,\n")
    ctl("user", "import", path)
    assert ctl.json("user", "list") == [
        {"address": "a@example.org", "login": "a", "name": "A", "provider": "uni",
         "moved_to": "Other@example.com"},
        {"address": "b@example.org", "login": "b"}]
    ctl("user", "import", write("address,login,provider,moved_to\na@example.org,a,,\n"))
    assert ctl.json("user", "show", "a@example.org") == {
        "address": "a@example.org", "login": "a", "name": "A"}


def test_replace(ctl, write):
    ctl("user", "import", write(csv(20) + "other@example.net,x\n"))
    path = write(csv(21, first=2, login="b%d"))
    assert ctl("user", "import", path, "--replace", "example.org") == \
        "3 users added, 18 changed, 2 removed\n"
    wanted = {f"user{i}@example.org": f"b{i}" for i in range(2, 23)}
    assert users(ctl) == wanted | {"other@example.net": "x"}
    assert ctl("user", "import", path, "--replace-all", "--max-removals", "1") == \
        "0 users added, 0 changed, 1 removed\n"
    assert users(ctl) == wanted


@pytest.mark.parametrize("scope", [
    ["--replace", "d.example,A.example,b.example"],
    ["--replace", "b.example", "--replace=d.example", "--replace", "A.example"],
    ["--replace", "a.example,d.example", "--replace", "b.example,a.example"],
])
def test_replace_several(ctl, write, scope):
    for name in ("a", "b", "c", "d"):
        ctl("domain", "add", f"{name}.example", "--alias-of", "example.org")
        ctl("user", "import", write(csv(3, f"{name}.example")))
    path = write("address,login\nx@b.example,x\nuser1@d.example,a1\n")
    assert ctl("user", "import", path, *scope, "--max-removals", "100%") == "1 user added, 0 changed, 8 removed\n"
    assert sorted(users(ctl)) == ["user0@c.example", "user1@c.example", "user1@d.example",
                                  "user2@c.example", "x@b.example"]


def test_replace_refuses_other_domains(ctl, write):
    path = write("address,login\na@example.org,a\nb@example.net,b\nc@example.net,c\n")
    assert complaints(ctl, path, "--replace", "example.org") == [
        f"{path}:3: the file has 2 users of the domain 'example.net', which is not one of --replace",
        f"{path}: 1 bad line; nothing is imported"]


@pytest.mark.parametrize("options, all_, kept, says", [
    ([], 100, 90, None),
    ([], 100, 89, "this would remove 11 of 100 users, more than the 10 % allowed; if this is intended, "
                  "use --max-removals 11"),
    ([], 9, 8, "this would remove 1 of 9 users, more than the 10 % allowed; if this is intended, "
               "use --max-removals 1"),
    ([], 3, 0, "this would remove 3 of 3 users, more than the 10 % allowed; if this is intended, "
               "use --max-removals 3"),
    (["--max-removals", "11"], 100, 89, None),
    (["--max-removals", "10"], 100, 89, "this would remove 11 of 100 users, more than the 10 "
                                        "allowed; if this is intended, use --max-removals 11"),
    (["--max-removals", "50%"], 10, 5, None),
    (["--max-removals", "0"], 10, 9, "this would remove 1 of 10 users, more than the 0 allowed; if "
                                     "this is intended, use --max-removals 1"),
    (["--max-removals=100%"], 3, 0, None),
])
@pytest.mark.parametrize("scope", [["--replace", "example.org"], ["--replace-all"]])
def test_max_removals(ctl, write, options, all_, kept, says, scope):
    ctl("user", "import", write(csv(all_)))
    path = write(csv(kept))
    if says:
        assert ctl.refused("user", "import", path, *scope, *options) == f"{path}: {says}"
        assert len(users(ctl)) == all_
    else:
        assert ctl("user", "import", path, *scope, *options) == \
            f"0 users added, 0 changed, {all_ - kept} removed\n"
        assert len(users(ctl)) == kept


@pytest.mark.parametrize("scope", [["--replace-all"], ["--replace", "example.org"]], ids=" ".join)
def test_dry_run_tells_what_would_be_refused(ctl, write, scope):
    ctl("user", "import", write(csv(10)))
    result = ctl.run("user", "import", write(csv(5)), *scope, "--dry-run")
    assert (result.returncode, result.stdout, joined(result.stderr)) == (
        0, "dry run: 0 users would be added, 0 changed, 5 removed\n",
        "mailconfctl: warning: this would remove 5 of 10 users, more than the 10 % allowed; if this "
        "is intended, use --max-removals 5\n")
    assert len(users(ctl)) == 10


def test_max_removals_of_each_domain(ctl, write):
    """A small domain is not emptied because a large one is beside it."""
    ctl("domain", "add", "small.example", "--alias-of", "example.org")
    ctl("user", "import", write(csv(100) + "a@small.example,a\nb@small.example,b\n"))
    scope = ["--replace", "example.org", "--replace", "small.example"]
    path = write(csv(99))
    assert ctl.refused("user", "import", path, *scope) == \
        f"{path}: this would remove 2 of 2 users of 'small.example', more than the 10 % allowed; " \
        "if this is intended, use --max-removals 3"
    assert len(users(ctl)) == 102
    assert "this would remove 2 of 2 users of 'small.example'" in ctl.refused(
        "user", "import", path, *scope, "--max-removals=99%")
    assert ctl("user", "import", path, *scope, "--max-removals=3") == \
        "0 users added, 0 changed, 3 removed\n"


def test_an_alias_without_its_domain_is_one_bad_line_of_several(ctl, write):
    ctl("domain", "add", "alias.example", "--alias-of", "example.org")
    with contextlib.closing(sqlite3.connect(ctl.database)) as database, database:
        database.execute("DELETE FROM domain WHERE name = 'example.org'")
    path = write("address,login\na@alias.example,a\nb,b\nc@nowhere.example,c\n")
    lines = complaints(ctl, path)
    assert [line.split(":")[1] for line in lines if re.match(rf"{path}:\d", line)] == ["2", "3", "4"]


def test_an_empty_table_is_refused(ctl, write):
    ctl("user", "import", write(csv(3)))
    path = write("")
    for format_ in ("ldif", "postfix-virtual-alias", "postfix-sender-login", "dovecot-passwd"):
        assert "would remove 3 of 3 users" in ctl.refused(
            "user", "import", path, "--format", format_, "--replace-all")
    assert complaints(ctl, path, "--replace-all")[0] == \
        f"{path}:1: the header is missing, such as 'address,login'"


def test_dry_run(ctl, write):
    ctl("user", "import", write(csv(20)))
    before = ctl("--json", "user", "list")
    path = write(csv(20, first=2, login="b%d"))
    words = ["user", "import", path, "--replace", "example.org", "--dry-run"]
    assert ctl(*words) == "dry run: 2 users would be added, 18 changed, 2 removed\n"
    assert ctl.json(*words) == {"added": 2, "changed": 18, "removed": 2, "unchanged": 0,
                                "skipped": 0, "dry_run": True}
    assert ctl("--json", "user", "list") == before
    assert ctl(*words[:-1]) == "2 users added, 18 changed, 2 removed\n"
    assert ctl.json(*words[:-1]) == {"added": 0, "changed": 0, "removed": 0, "unchanged": 20,
                                     "skipped": 0, "dry_run": False}


def test_equal_to_a_model(ctl, write):
    """Random files against random tables, and what a dictionary makes of them."""
    chance = random.Random(4711)
    names = ["example.net", "example.org"] + [f"d{i}.example" for i in range(8)]
    for name in names[2:]:
        ctl("domain", "add", name, "--alias-of", "example.org")
    model = {}
    for _ in range(12):
        rows = {f"u{chance.randrange(150)}@{chance.choice(names)}": f"l{chance.randrange(3)}"
                for _ in range(chance.choice([0, 20, 400]))}
        scope = chance.choice([None, None, "all", chance.sample(names, 3)])
        if isinstance(scope, list):
            rows = {a: l for a, l in rows.items() if a.partition("@")[2] in scope}
        gone = {address for address in model if scope and address not in rows and
                (scope == "all" or address.partition("@")[2] in scope)}
        added = rows.keys() - model.keys()
        changed = {address for address in rows.keys() & model.keys()
                   if rows[address] != model[address]}
        lines = [f"{a},{l}\n" for a, l in rows.items()]
        chance.shuffle(lines)
        options = {None: [], "all": ["--replace-all"]}.get(
            scope if not isinstance(scope, list) else "", None)
        if options is None:
            options = ["--replace", ",".join(scope)]
        if scope:
            options += ["--max-removals", "100%"]
        result = ctl.json("user", "import", write("address,login\n" + "".join(lines)), *options)
        model = {a: l for a, l in (model | rows).items() if a not in gone}
        assert users(ctl) == model
        assert (result["added"], result["changed"], result["removed"], result["unchanged"]) == \
            (len(added), len(changed), len(gone), len(rows) - len(added) - len(changed))


def test_provider_goes_with_its_last_user(ctl, write):
    ctl("domain", "add", "old.example", *SERVICES)
    ctl("user", "add", "a@example.org", "a", "--provider", "old.example")
    ctl("domain", "remove", "old.example")
    assert ctl("user", "import", write(csv(0)), "--replace", "example.org", "--max-removals=1") == \
        "provider old.example removed: no longer used\n" \
        "0 users added, 0 changed, 1 removed\n"


# Bad lines


def test_bad_lines(ctl, write):
    path = write("address,login,name,provider,moved_to\n"
                 "a@example.org,a,,,\n"
                 "b@@example.org,b,,,\n"
                 "c,c,,,\n"
                 "d@example.org,,,,\n"
                 "e@example.org,%EMAILADDRESS%,,,\n"
                 "f@example.org,f,,nobody,\n"
                 "@example.org,g,,,h@example.org\n"
                 "i@example.org,i,,,I@example.org\n"
                 "j@example.org,j\n"
                 "k@example.org,k,\"K\nK\",,\n"
                 "@,l,,,\n"
                 "m@not_a_domain,m,,,\n")
    assert complaints(ctl, path) == [
        f"{path}:3: 'b@@example.org' is not a mail address: it has a character that needs quotes "
        "before the '@'",
        f"{path}:4: 'c' is not a mail address: it has no '@'",
        "hint: --domain sets the domain of such names",
        f"{path}:5: the login must not be empty",
        f"{path}:6: login '%EMAILADDRESS%' has a placeholder, and a user's login is taken as it "
        "stands; patterns belong to the provider: 'provider set NAME --login PATTERN'",
        f"{path}:7: there is no provider 'nobody'",
        "hint: 'provider add' adds one, 'provider list' shows all",
        f"{path}:8: the catch-all '@example.org' cannot move",
        f"{path}:9: user 'i@example.org' cannot move to itself",
        f"{path}:10: the line has 2 fields, but the header 5",
        f"{path}:11: the name 'K\\u000aK' has a control character",
        f"{path}:13: '' is not a domain name",
        f"{path}:14: 'm@not_a_domain' is not a mail address: what follows the '@' is not a domain "
        "name",
        f"{path}: 11 bad lines; nothing is imported"]


def test_a_hundred_bad_lines(ctl, write):
    path = write("address,login\na@example.org,a\n" + "b,b\n" * 1234)
    lines = complaints(ctl, path)
    # Lines that share a hint have it once.
    assert lines.pop(1) == "hint: --domain sets the domain of such names"
    assert len(lines) == 102
    assert [line.split(":")[1] for line in lines[:100]] == [str(i) for i in range(3, 103)]
    assert lines[100:] == [f"{path}: 1134 more bad lines",
                           f"{path}: 1234 bad lines; nothing is imported"]


def test_the_same_twice(ctl, write):
    path = write("address,login,name\na@example.org,a,A\nb@example.org,b,\nA@EXAMPLE.org,a,A\n")
    assert ctl("user", "import", path) == "2 users added, 0 changed, 0 removed\n"
    path = write("address,login,name\na@example.org,a,A\nb@example.org,b,\nA@example.org,c,A\n"
                 "b@example.org,b,B\nnobody,x,\n")
    assert complaints(ctl, path) == [
        f"{path}:4: 'a@example.org' has the login 'c' here, but 'a' in line 2",
        f"{path}:5: 'b@example.org' has other values here than in line 3",
        f"{path}:6: 'nobody' is not a mail address: it has no '@'",
        "hint: --domain sets the domain of such names",
        f"{path}: 3 bad lines; nothing is imported"]


def test_domains_that_nothing_serves(ctl, write):
    path = write("address,login\na@example.org,a\nb@b.example,b\nc@b.example,c\nd@d.example,d\n")
    assert complaints(ctl, path) == [
        f"{path}:3: nothing here serves the domain 'b.example' (the file has 2 users of it)",
        "hint: use 'domain add' first",
        f"{path}:5: nothing here serves the domain 'd.example' (the file has 1 user of it)",
        f"{path}: 2 bad lines; nothing is imported"]


def test_warnings(ctl, write):
    ctl("domain", "disable", "example.net")
    path = write("address,login\na@example.net,007\nb@example.net,1e5\nc@example.net,c\n")
    assert ctl.warned("user", "import", path) == [
        "domain 'example.net' is disabled, so nothing is answered for the 3 users of 'example.net'; "
        "use 'domain enable example.net'",
        "Thunderbird on the desktop may change the login of 2 users, such as '007', because it reads it "
        "as a number or Boolean"]


def test_circles_of_moves(ctl, write):
    path = write("address,login,moved_to\na@example.org,a,b@example.org\n"
                 "b@example.org,b,a@example.org\n")
    assert "in a loop" in ctl.refused("user", "import", path)
    assert users(ctl) == {}


def test_circle_that_a_removal_closes(ctl, write):
    """The file has no moves itself; who it removes stood before one who has."""
    ctl("domain", "add", "alias.example", "--alias-of=example.org")
    for local, domain in ("x", "example.org"), ("y", "example.org"), ("y", "alias.example"):
        ctl("user", "add", f"{local}@{domain}", local)
    ctl("user", "set", "x@example.org", "--moved-to=y@alias.example")
    ctl("user", "set", "y@example.org", "--moved-to=x@example.org")
    before = users(ctl)
    words = "user", "import", write("address,login\n"), "--replace=alias.example", "--max-removals=1"
    for dry in ([], ["--dry-run"]):
        assert ctl.refused(*words, *dry) == \
            "clients of 'x@example.org' would be redirected in a loop; change where it redirects to"
    assert users(ctl) == before


def test_misuse(ctl, write):
    path = write(csv(1))
    for words, says in [
        (["--replace", "example.org", "--replace-all"], "only one of --replace and --replace-all"),
        (["--max-removals", "5"], "--max-removals requires --replace or --replace-all"),
        (["--replace-all", "--max-removals", "many"],
         "option '--max-removals' takes a number, or a percentage such as 25%, not 'many'"),
        (["--replace-all", "--max-removals", "101%"], "not '101%'"),
        (["--replace-all", "--max-removals", "%"], "not '%'"),
        (["--replace-all", "--max-removals", "-1"], "not '-1'"),
        (["--format", "xml"], "option '--format' takes csv, ldif, postfix-virtual-alias, "
                              "postfix-sender-login, aliases or dovecot-passwd, not 'xml'; see"),
        (["--login-attribute", "uid"], "--name-attribute require --format ldif"),
        (["--format", "aliases"], "--format aliases requires --domain DOMAIN"),
    ]:
        assert says in ctl.misused("user", "import", path, *words)
    assert "is not a domain name" in ctl.refused("user", "import", path, "--replace", "a,")
    header = write("address,login\n")
    assert ctl.refused("user", "import", header, "--replace", "exmple.org") == \
        "nothing here serves the domain 'exmple.org' of --replace; did you mean 'example.org'?"
    assert ctl.refused("user", "import", header, "--replace", "example.org,nowhere.invalid") == \
        "nothing here serves the domain 'nowhere.invalid' of --replace; 'domain list' shows all"
    path = write(csv(1))
    assert ctl.refused("user", "import", path + "x") == \
        f"cannot read '{path}x': No such file or directory"


# The formats


FORMATS = {
    "csv": "login,address\na4711,first.last@example.org\n",
    "ldif": "dn: uid=a4711\nuid: a4711\nmail: first.last@example.org\n",
    "postfix-virtual-alias": "first.last@example.org a4711\n",
    "postfix-sender-login": "first.last@example.org a4711\n",
    "aliases": "first.last: a4711\n",
}


@pytest.mark.parametrize("name", FORMATS)
def test_formats(ctl, write, name):
    options = ["--domain", "example.org"] if name == "aliases" else []
    assert ctl("user", "import", write(FORMATS[name]), "--format", name, *options) == \
        "1 user added, 0 changed, 0 removed\n"
    assert users(ctl) == {"first.last@example.org": "a4711"}


def test_dovecot(ctl, write):
    path = write("a4711:x:1000:1000:First Last,,,:/home/a4711:/bin/sh\n"
                 "first.last@example.org:{PLAIN}x\n")
    assert ctl("user", "import", path, "--format", "dovecot-passwd", "--domain", "Example.ORG") == \
        "2 users added, 0 changed, 0 removed\n"
    assert ctl.json("user", "list") == [
        {"address": "a4711@example.org", "login": "a4711", "name": "First Last"},
        {"address": "first.last@example.org", "login": "first.last@example.org"}]


def test_ldif_attributes(ctl, write):
    path = write("dn: cn=x\ncn: First Last\nlogin: a4711\nmail: first.last@example.org\n"
                 "mailAlternateAddress: f.last@example.org\n")
    assert ctl("user", "import", path, "--format", "ldif", "--address-attribute",
               "mail,mailAlternateAddress", "--login-attribute", "login", "--name-attribute",
               "cn") == "2 users added, 0 changed, 0 removed\n"
    assert users(ctl) == {"first.last@example.org": "a4711", "f.last@example.org": "a4711"}


def test_skipped_lines_are_said(ctl, write):
    path = write("a@example.org a\nlist@example.org a, b\nout@example.org x@elsewhere.example\n")
    words = ["user", "import", path, "--format", "postfix-virtual-alias"]
    result = ctl.run(*words)
    assert (result.returncode, result.stdout) == \
        (0, "1 user added, 0 changed, 0 removed; 2 lines skipped\n")
    assert result.stderr.splitlines() == [
        f"mailconfctl: warning: {path}:2: skipped: 'list@example.org' has 2 targets",
        f"mailconfctl: warning: {path}:3: skipped: 'out@example.org' leads to "
        "'x@elsewhere.example', which is not served here"]


@pytest.fixture
def staff(ctl):
    """A domain whose logins the provider's pattern makes, but for one user."""
    ctl("domain", "add", "staff.example", *SERVICES, "--login", "%EMAILLOCALPART%")
    ctl("domain", "add", "crew.example", "--alias-of", "staff.example")
    ctl("user", "add", "boss@staff.example", "b4711")
    return ctl


def followed(ctl, path, *words):
    """The users of the file, which must all get the login that the daemon gives to the address at
    the end."""
    assert ctl.warned("user", "import", path, *words) == []
    return users(ctl)


def test_chains_end_where_the_daemon_would(staff, write):
    path = write("sales@staff.example   boss@staff.example\n"
                 "office@staff.example  First@staff.example\n"
                 "ship@staff.example    Boss+ship@Crew.Example\n"
                 "self@staff.example    self@staff.example\n"
                 "long@staff.example    office@crew.example\n"
                 "out@staff.example     out@example.org\n")
    assert followed(staff, path, "--format", "postfix-virtual-alias") == {
        "boss@staff.example": "b4711", "sales@staff.example": "b4711",
        "office@staff.example": "first", "ship@staff.example": "b4711",
        "self@staff.example": "self", "long@staff.example": "first",
        "out@staff.example": "out@example.org"}


def test_chains_of_aliases_end_where_the_daemon_would(staff, write):
    path = write("sales: boss@staff.example\noffice: First@staff.example\nlocal: boss\n")
    assert followed(staff, path, "--format", "aliases", "--domain", "staff.example") == {
        "boss@staff.example": "b4711", "sales@staff.example": "b4711",
        "office@staff.example": "first", "local@staff.example": "boss"}


def test_chains_know_what_is_replaced(staff, write):
    """What an address gives is what it gives afterwards."""
    staff("user", "add", "@staff.example", "collect")
    staff("user", "add", "self@staff.example", "s4711")
    path = write("sales@staff.example boss@staff.example\nself@staff.example self@staff.example\n"
                 "ship@staff.example self@staff.example\nto@staff.example nobody@staff.example\n")
    words = ["--format", "postfix-virtual-alias"]
    assert followed(staff, path, *words) == {
        "@staff.example": "collect", "boss@staff.example": "b4711",
        "sales@staff.example": "b4711", "self@staff.example": "s4711",
        "ship@staff.example": "s4711", "to@staff.example": "collect"}
    assert followed(staff, path, *words, "--replace=staff.example", "--max-removals=2") == {
        "sales@staff.example": "boss", "self@staff.example": "s4711",
        "ship@staff.example": "s4711", "to@staff.example": "nobody"}


def test_chains_pass_over_tags(staff, write):
    path = write("office@staff.example a4711\nsales@staff.example office+sales@staff.example\n"
                 "bare@staff.example   first+x\n@staff.example collect\n")
    assert followed(staff, path, "--format", "postfix-virtual-alias") == {
        "@staff.example": "collect", "boss@staff.example": "b4711",
        "office@staff.example": "a4711", "sales@staff.example": "a4711",
        "bare@staff.example": "first"}
    path = write("office: b4712\nsales: office+sales\nship: sailor+ship\n")
    assert followed(staff, path, "--format", "aliases", "--domain", "staff.example",
                    "--replace=staff.example", "--max-removals=9") == {
        "office@staff.example": "b4712", "sales@staff.example": "b4712",
        "ship@staff.example": "sailor"}


@pytest.mark.parametrize("scope", ["--replace=example.org", "--replace-all"])
@pytest.mark.parametrize("name, text", [
    ("postfix-virtual-alias", "user0@example.org b0\nuser1@example.org x, y\n"
                              "user2@example.org x@elsewhere.example\n"),
    ("postfix-sender-login", "user1@example.org x, y\nuser0@example.org b0\n"
                             "new@example.org x, y\nUser2@example.org x y\n"),
    ("postfix-sender-login", "user0@example.org x, y\nuser2@example.org x y\n"
                             "user1@example.org x y\nuser0@example.org b0\n"
                             "user0@example.org x, y\n@example.net x, y\n"),
    ("aliases", "user0: b0\nuser1: user2\nuser2: |/bin/x\n"),
    ("ldif", "dn: a\nuid: b0\nmail: user0@example.org\n\n"
             "dn: b\nmail: user1@example.org\nmail: user2@example.org\n"),
    ("dovecot-passwd", "b0:x\nuser1:x:1:1::::nologin\nuser2:x:1:1::::nologin\n"),
])
def test_skipped_users_stay(ctl, write, name, text, scope):
    """A shared address with several targets keeps its login."""
    ctl("user", "import", write(csv(4)))
    wanted = {f"user{number}@example.org": f"a{number}" for number in range(3)}
    if name == "dovecot-passwd":
        wanted["b0@example.org"] = "b0"
        del wanted["user0@example.org"]
    else:
        wanted["user0@example.org"] = "b0"
    ctl.warned("user", "import", write(text), "--format", name, "--domain", "example.org", scope,
               "--max-removals=2")
    assert users(ctl) == wanted


# Size, and what becomes of it when it ends half way


def live(ctl):
    """As with a daemon that reads: closing the database does not truncate the log."""
    database = sqlite3.connect(f"file:{ctl.database}?mode=ro", uri=True)
    database.execute("SELECT count(*) FROM user").fetchone()
    return database


MANY = 1200000


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A file of more users, in no order, than are sorted in memory."""
    path = tmp_path_factory.mktemp("many") / "users"
    with open(path, "w", encoding="ascii") as out:
        out.write("address,login\n")
        out.writelines(f"first.last{i * 7919 % MANY:08}@example.org,a{i:08}\n"
                       for i in range(MANY))
    yield str(path)
    path.unlink()


@pytest.mark.soak
def test_more_than_fits_into_memory(ctl, many, tmp_path):
    """Several sorted runs, which leave nothing behind; and readers see all or nothing."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    reader = live(ctl)
    environment = {**os.environ, "TMPDIR": str(scratch)}
    environment.pop("SQLITE_TMPDIR", None)
    seen = set()
    with subprocess.Popen(ctl.command("user", "import", many), text=True,
                          stdout=subprocess.PIPE, env=environment) as process:
        while process.poll() is None:
            seen.add(reader.execute("SELECT count(*) FROM user").fetchone()[0])
            assert os.listdir(scratch) == []
            time.sleep(0.01)
        assert process.stdout.read() == f"{MANY} users added, 0 changed, 0 removed\n"
    seen.add(reader.execute("SELECT count(*) FROM user").fetchone()[0])
    assert seen == {0, MANY}
    assert os.path.getsize(ctl.database + "-wal") == 0
    assert reader.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_killed_half_way(ctl, write, tmp_path):
    """Whenever it is killed, the table is as it was, or all of it is there, and the next command finds
    nothing amiss."""
    old = write(csv(1000))
    ctl("user", "import", old)
    before = users(ctl)
    count = 50000
    path = write("address,login\n" + "".join(
        f"first.last{i * 7919 % count:08}@example.org,a{i}\n" for i in range(count)), "many")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    environment = {**os.environ, "TMPDIR": str(scratch)}
    words = ctl.command("user", "import", path, "--replace-all", "--max-removals=100%")
    begun = time.monotonic()
    subprocess.run(words + ["--dry-run"], check=True, env=environment, capture_output=True)
    whole = time.monotonic() - begun
    reader = live(ctl)
    chance = random.Random()
    killed = 0
    for _ in range(12):
        with subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL) as process:
            time.sleep(chance.random() * whole)
            process.send_signal(signal.SIGKILL)
        assert os.listdir(scratch) == []
        if len(users(ctl)) == count:  # it was done, and had but to end
            ctl("user", "import", old, "--replace-all", "--max-removals=100%")
            continue
        assert process.returncode == -signal.SIGKILL
        killed += 1
        assert reader.execute("SELECT count(*) FROM user").fetchone()[0] == 1000
        assert users(ctl) == before
        ctl("user", "add", "extra@example.org", "x")
        ctl("user", "remove", "extra@example.org")
    assert killed > 0
    assert reader.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    reader.close()
    subprocess.run(words, check=True, env=environment, stdout=subprocess.DEVNULL)
    assert sorted(os.listdir(tmp_path)) == sorted(
        ["mailconfd.conf", "mailconfd.db", "users", "many", "scratch"])


def small_files_only():
    """What a full disk does to a process that writes more than this."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))


@pytest.mark.soak
def test_no_room_to_sort(ctl, many, tmp_path):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    environment.pop("SQLITE_TMPDIR", None)
    result = subprocess.run(ctl.command("user", "import", many), text=True, check=False,
                            capture_output=True, env=environment, preexec_fn=small_files_only)
    assert (result.returncode, joined(result.stderr)) == (
        1, f"mailconfctl: cannot use a temporary file in '{tmp_path}': File too large; "
           "set TMPDIR to another directory\n")
    assert users(ctl) == {}


def test_no_room_in_the_database(ctl, write):
    ctl("user", "import", write(csv(10)))
    before = users(ctl)
    path = write(csv(50000, login="b%d"))
    result = subprocess.run(ctl.command("user", "import", path, "--replace-all"), text=True,
                            check=False, capture_output=True, preexec_fn=small_files_only)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"mailconfctl: database '{ctl.database}': ")
    assert result.stderr.count("\n") == 1
    assert users(ctl) == before
    assert ctl("user", "import", path, "--replace-all") == \
        "49990 users added, 10 changed, 0 removed\n"


def test_progress_on_a_terminal(ctl, write):
    """A bar for who watches; nothing of it stays on the line."""
    path = write(csv(200000))
    first, second = pty.openpty()
    try:
        result = subprocess.run(ctl.command("user", "import", path), stdout=subprocess.PIPE,
                                stderr=second, text=True, check=True)
        os.close(second)
        second = -1
        shown = b""
        try:
            while data := os.read(first, 4096):
                shown += data
        except OSError:
            pass  # how a terminal ends that nobody has open any more
    finally:
        os.close(first)
        if second >= 0:
            os.close(second)
    assert result.stdout == "200000 users added, 0 changed, 0 removed\n"
    assert b"\rwriting  [#" in shown and shown.endswith(b"\r\033[K")


# One login for many


def test_rename_login(ctl, write):
    ctl("user", "import", write("address,login\na@example.org,x\nb@example.org,y\n"
                                "c@example.net,x\nd@example.org,X\n"))
    assert ctl("user", "rename-login", "x", "z") == "login x renamed to z, for 2 users\n"
    assert users(ctl) == {"a@example.org": "z", "b@example.org": "y", "c@example.net": "z",
                          "d@example.org": "X"}
    assert ctl.refused("user", "rename-login", "x", "z") == "no user has the login 'x'"
    assert ctl.refused("user", "rename-login", "y", "") == "the login must not be empty"
    assert ctl.refused("user", "rename-login", "z", "z") == \
        "the old login and the new one are both 'z'; name another"
    assert len(ctl.warned("user", "rename-login", "y", "007")) == 1
