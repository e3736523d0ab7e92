"""An installation as a text: written by export, and made equal to by apply."""
import contextlib
import json
import os
import random
import re
import shlex
import sqlite3
import stat
import subprocess

import pytest

from mailconfctl import Mailconfctl, joined, without

SERVICES = ["imaps://imap.example.org", "submissions://smtp.example.org"]

HEADING = "# Contents of a mailconfd database; 'mailconfctl apply' makes a database match them.\n"


class Installation(Mailconfctl):
    """A database of its own, with helpers for texts of commands."""

    def __init__(self, directory):
        os.makedirs(directory, exist_ok=True)
        super().__init__(str(directory))

    def fed(self, text, *words):
        """Runs a command that reads the text from standard input."""
        return subprocess.run(self.command(*words), input=text, text=True, capture_output=True,
                              timeout=120, check=False)

    def batch(self, text):
        result = self.fed(text, "batch", "-")
        assert result.returncode == 0, result.stderr

    def apply(self, text, *options):
        result = self.fed(text, "apply", "-", *options)
        assert (result.returncode, result.stderr) == (0, ""), result.stderr
        return result.stdout

    def refused_text(self, text, *options):
        result = self.fed(text, "apply", "-", *options)
        assert (result.returncode, result.stdout) == (1, "")
        text = joined(result.stderr)
        assert text.count("\n") == 1
        return without(text.rstrip("\n"), "mailconfctl: ")

    def dump(self):
        with contextlib.closing(sqlite3.connect(self.database)) as connection:
            return list(connection.iterdump())


@pytest.fixture
def place(tmp_path):
    return lambda name: Installation(tmp_path / name)


@pytest.fixture
def ctl(place):
    return place("one")


SMALL = """\
provider add uni --display-name 'University Mail'
service add uni imaps://imap.uni.example
service add uni submissions://smtp.uni.example
domain add uni.example --provider uni
domain add alumni.example --alias-of uni.example
user add first.last@uni.example a4711
"""

SMALL_EXPORTED = HEADING + """
# Providers
provider add uni --display-name 'University Mail'
service add uni imaps://imap.uni.example
service add uni submissions://smtp.uni.example

# Domains
domain add uni.example --provider uni
domain add alumni.example --alias-of uni.example

# Users
user add first.last@uni.example a4711
"""


def test_export(ctl):
    ctl.batch(SMALL)
    assert ctl("export") == SMALL_EXPORTED


def test_export_of_nothing(ctl):
    ctl.batch(SMALL + "user remove first.last@uni.example\ndomain remove alumni.example\n"
              "domain remove uni.example\nprovider remove uni\n")
    assert ctl("export") == HEADING


def test_dash_is_standard_output(ctl):
    ctl.batch("provider add uni imaps://imap.example.org submissions://smtp.example.org\n")
    assert ctl("export", "-") == ctl("export")
    assert ctl.refused("backup", "-") == "a backup is a file; 'export' writes to standard output"


def test_export_to_a_file(ctl, tmp_path):
    ctl.batch(SMALL)
    file = tmp_path / "text"
    assert ctl("export", str(file)) == f"1 provider, 2 domains and 1 user exported to {file}\n"
    assert file.read_text() == SMALL_EXPORTED
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert ctl.refused("export", str(file)) == \
        f"'{file}' exists already; use --force to replace it"
    file.write_text("old")
    ctl("export", str(file), "--force")
    assert file.read_text() == SMALL_EXPORTED
    assert sorted(os.listdir(tmp_path)) == ["one", "text"]


def test_secret_is_not_exported_and_stays(ctl, place):
    ctl.batch(SMALL)
    other = place("other")
    other.batch("provider add x\n")

    def secret(installation):
        return [line for line in installation.dump() if '"secret"' in line]

    mine = secret(other)
    assert mine and mine != secret(ctl)
    value = re.search(r"X'([0-9A-F]+)'", mine[-1]).group(1).lower()
    assert value not in other("export").lower()
    other.apply(ctl("export"), "--max-removals=100%")
    assert secret(other) == mine


def test_apply_to_an_empty_database(ctl):
    assert ctl.apply(SMALL) == """\
+ provider add uni --display-name 'University Mail'
+ service add uni imaps://imap.uni.example
+ service add uni submissions://smtp.uni.example
+ domain add alumni.example --alias-of uni.example
+ domain add uni.example --provider uni
+ user add first.last@uni.example a4711
providers: 1 added, 0 changed, 0 removed
domains: 2 added, 0 changed, 0 removed
users: 1 added, 0 changed, 0 removed
"""
    assert ctl("export") == SMALL_EXPORTED


def test_apply_what_was_exported(ctl):
    ctl.batch(SMALL)
    before = ctl.dump()
    for options in (), ("--dry-run",):
        assert ctl.apply(ctl("export"), *options) == "no differences\n"
    assert ctl.dump() == before


def test_differences(ctl):
    ctl.batch(SMALL)
    text = SMALL.replace("'University Mail'", "Uni").replace("a4711", "b4711") \
        .replace("smtp.uni", "mail.uni") + "domain disable alumni.example\n" \
        "user add office@uni.example office --name 'The Office'\n"
    expected = """\
- provider add uni --display-name 'University Mail'
- service add uni submissions://smtp.uni.example
+ provider add uni --display-name Uni
+ service add uni submissions://mail.uni.example
+ domain disable alumni.example
- user add first.last@uni.example a4711
+ user add first.last@uni.example b4711
+ user add office@uni.example office --name 'The Office'
providers: 0 added, 1 changed, 0 removed
domains: 0 added, 1 changed, 0 removed
users: 1 added, 1 changed, 0 removed
"""
    before = ctl.dump()
    assert ctl.apply(text, "--dry-run") == expected + "dry run: nothing was changed\n"
    assert ctl.dump() == before
    assert ctl.apply(text) == expected
    assert ctl.apply(text) == "no differences\n"


def test_order_is_a_difference(ctl):
    lines = ["provider add p", "service add p imaps://a.example", "service add p imaps://b.example",
             "service add p submissions://s.example"]
    ctl.batch("\n".join(lines))
    lines[1:3] = reversed(lines[1:3])
    assert [line[0] for line in ctl.apply("\n".join(lines)).splitlines()[:-1]] == list("----++++")
    assert [service["url"] for service in ctl.json("service", "list", "p")][:2] == [
        "imaps://b.example", "imaps://a.example"]


def test_any_command_may_be_in_the_file(ctl):
    """It need not be what export writes."""
    ctl.apply("# by hand\ndomain add example.org imaps://i.example submissions://s.example\n"
              "user add a@example.org x\nuser set a@example.org --login a@example.org\n"
              "user add b@example.org z\nuser remove b@example.org\n")
    assert ctl.json("user", "list") == [{"address": "a@example.org", "login": "a@example.org"}]
    assert ctl.json("provider", "show", "example.org")["keep"] is False


def test_mistakes_change_nothing(ctl):
    ctl.batch(SMALL)
    before = ctl.dump()
    assert ctl.refused_text(SMALL + "user add a@nowhere.example x\n") == (
        "standard input:7: nothing here serves the domain 'nowhere.example'; use 'domain add' first")
    assert ctl.refused_text("user lits\n") == (
        "standard input:1: unknown command 'user lits'; did you mean 'user list'?")
    assert ctl.refused_text("user list\n").startswith("standard input:1: 'user list' changes nothing")
    assert ctl.refused_text("apply x\n").startswith("standard input:1: 'apply' is a transaction")
    assert ctl.refused_text("user add 'a@uni.example x\n").startswith("standard input:1: ")
    assert ctl.refused("apply", "/nonexistent") == \
        "cannot read '/nonexistent': No such file or directory"
    assert ctl.dump() == before


def with_many(ctl, count):
    ctl.batch(SMALL + "".join(f"user add u{number}@uni.example x\n" for number in range(count - 1)))


def test_an_empty_file_is_no_installation(ctl):
    with_many(ctl, 30)
    before = ctl.dump()
    assert ctl.refused_text("") == (
        "this would remove 2 of 2 domains, more than the 10 % allowed; if this is intended, use "
        "--max-removals 2")
    assert ctl.refused_text("", "--max-removals=29") == (
        "this would remove 30 of 30 users, more than the 29 allowed; if this is intended, use "
        "--max-removals 30")
    assert ctl.dump() == before
    assert ctl.apply("", "--max-removals=30").endswith("users: 0 added, 0 changed, 30 removed\n")
    assert ctl("export") == HEADING


def test_a_dry_run_tells_what_would_be_refused(ctl, tmp_path):
    with_many(ctl, 30)
    before = ctl.dump()
    empty = tmp_path / "empty"
    empty.touch()
    for options in (), ("--json",):
        result = ctl.run("apply", str(empty), "--dry-run", *options)
        assert result.returncode == 0
        assert joined(result.stderr) == (
            "mailconfctl: warning: this would remove 2 of 2 domains, more than the 10 % allowed; if "
            "this is intended, use --max-removals 2\n"
            "mailconfctl: warning: this would remove 30 of 30 users, more than the 10 % allowed; if "
            "this is intended, use --max-removals 30\n")
        if not options:
            assert result.stdout == ctl.apply(
                "", "--dry-run", "--max-removals=100%")
            assert result.stdout.endswith("users: 0 added, 0 changed, 30 removed\n"
                                          "dry run: nothing was changed\n")
    assert ctl.dump() == before


def test_a_tenth_may_go(ctl):
    with_many(ctl, 30)
    text = ctl("export")
    lines = text.splitlines(keepends=True)
    fewer = [line for line in lines if "user add u" not in line or int(line[10:].split("@")[0]) >= 3]
    assert ctl.apply("".join(fewer)).endswith("users: 0 added, 0 changed, 3 removed\n")
    assert ctl.refused_text("".join(fewer[:-3])).startswith("this would remove 3 of 27 users")


def test_links_between_rows_change_in_any_order(ctl):
    """Who was an alias gets aliases, and the other way round; providers change places."""
    ctl.batch("provider add a imaps://a.example submissions://a.example\n"
              "provider add b imaps://b.example submissions://b.example\n"
              "domain add one.example --provider a\ndomain add two.example --alias-of one.example\n"
              "domain add three.example --alias-of one.example\nuser add x@one.example x --provider b\n")
    ctl.apply("provider add c imaps://c.example submissions://c.example\n"
              "provider add b imaps://b.example submissions://b.example\n"
              "domain add two.example --provider c\ndomain add one.example --alias-of two.example\n"
              "domain add three.example --alias-of two.example\nuser add x@one.example x --provider c\n")
    assert ctl.json("domain", "list") == [
        {"domain": "one.example", "alias_of": "two.example", "enabled": True},
        {"domain": "three.example", "alias_of": "two.example", "enabled": True},
        {"domain": "two.example", "provider": "c", "enabled": True}]
    with contextlib.closing(sqlite3.connect(ctl.database)) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_provider_takes_the_place_of_another(ctl):
    """The new one must not get the id that users of the old one refer to."""
    text = ("provider add a imaps://a.example submissions://a.example\n"
            "provider add {} imaps://b.example submissions://b.example\n"
            "domain add one.example --provider a\nuser add x@one.example x --provider {}\n")
    ctl.batch(text.format("old", "old"))
    assert ctl.apply(text.format("new", "new")) == """\
+ provider add new
+ service add new imaps://b.example
+ service add new submissions://b.example
- provider add old
- service add old imaps://b.example
- service add old submissions://b.example
- user add x@one.example x --provider old
+ user add x@one.example x --provider new
providers: 1 added, 0 changed, 1 removed
users: 0 added, 1 changed, 0 removed
"""
    assert ctl.json("user", "show", "x@one.example")["provider"] == "new"


def test_moves_that_are_a_circle_only_half_way(ctl, place):
    """Some orders of adding meet a circle that is none in the end; the export's is none of them."""
    ctl.batch("provider add p imaps://h.example submissions://h.example\n"
              "domain add a.example --provider p\ndomain add x.b.example --provider p\n"
              "domain add z.example --provider p\n"
              "domain add '*.b.example' --provider p\n"
              "domain set a.example --moved-to x.b.example\n"
              "domain set '*.b.example' --moved-to a.example\n"
              "user add u@z.example u\nuser add u@a.example u\n"
              "user set u@z.example --moved-to other@elsewhere.example\n"
              "user set u@a.example --moved-to u@z.example\n"
              "domain set z.example --moved-to a.example\n")
    text = ctl("export")
    assert place("two").apply(text)
    assert place("two")("export") == text
    three = place("three")
    three.batch(text)
    assert three("export") == text


def test_service_that_means_nothing(ctl):
    """Invalid rows cannot be exported; a file fixes them."""
    ctl.batch(SMALL)
    text = ctl("export")
    with contextlib.closing(sqlite3.connect(ctl.database)) as connection, connection:
        connection.execute("UPDATE service SET url = 'imap' WHERE position = 0")
    line = ctl.refused("export")
    assert line.startswith("provider 'uni' has the invalid service 'imap'")
    assert ctl.apply(text) == """\
- service add uni imap
+ service add uni imaps://imap.uni.example
providers: 0 added, 1 changed, 0 removed
"""
    assert ctl("export") == text


def test_service_that_cannot_be_read(ctl):
    """Not even its URL is known, so only the command that replaces it is printed."""
    ctl.batch(SMALL)
    text = ctl("export")
    with contextlib.closing(sqlite3.connect(ctl.database)) as connection, connection:
        connection.execute("UPDATE service SET url = 'imap' || char(0) WHERE position = 0")
    assert ctl.apply(text) == """\
+ service add uni imaps://imap.uni.example
providers: 0 added, 1 changed, 0 removed
"""
    assert ctl("export") == text


def test_json(ctl):
    result = ctl.fed(SMALL, "--json", "apply", "-")
    assert result.returncode == 0
    figures = json.loads(result.stdout)
    lines = figures.pop("differences")
    assert [line.split()[:3] for line in lines if not line.startswith("+ service")] == [
        ["+", "provider", "add"], ["+", "domain", "add"], ["+", "domain", "add"], ["+", "user", "add"]]
    assert re.sub(r"\s", "", json.dumps(figures)) == (
        '{"provider":{"added":1,"changed":0,"removed":0},"domain":{"added":2,"changed":0,"removed":0},'
        '"user":{"added":1,"changed":0,"removed":0},"dry_run":false}')


def test_daemon_goes_on(daemon):
    """It answers from the old state until all is changed, then from the new one."""
    daemon.setup(["domain", "add", "example.org", *SERVICES], ["user", "add", "a@example.org", "old"])
    daemon.start()
    text = daemon.ctl("export").stdout
    file = daemon.directory / "text"
    file.write_text(text.replace(" old\n", " new\n"))
    assert "<username>old</username>" in \
        daemon.get("/mail/config-v1.1.xml?emailaddress=a%40example.org").body.decode()
    daemon.ctl("apply", file)
    assert daemon.ctl("preview", "autoconfig", "a@example.org").stdout.count("new</username>") == 2


# Random installations


def provider_options(build_help):
    """The options of 'provider add', from its help."""
    return re.findall(r"^  --([\w-]+) ", build_help.partition("Options:")[2].partition("\n\n")[0],
                      re.MULTILINE)


TEXTS = [
    "University Mail", "It's \"here\"", "back\\slash", "#hash", "$HOME `x` *", "tab-less  blanks",
    "Fürstliche Post", "-dash", "--json", "=", "a=b", "~", "名前", "x" * 60,
]
SHORT = [text for text in TEXTS if len(text) <= 20]
LOGINS = ["a4711", "UNI\\x", "o'brien", "-x", "--login", "two words", "007", "ü", "#1", "x$y", '"q"']

SAMPLES = {
    "display-name": TEXTS,
    "short-name": SHORT,
    "login": ["%EMAILLOCALPART%", "%EMAILLOCALPART%#%EMAILDOMAIN%", "UNI\\%EMAILLOCALPART%", "all of us"],
    "login-case": ["keep", "lower"],
    "recipient-delimiter": ["", "+-", "#", "'"],
    "show-names": ["yes", "no"],
    "mx-fallback": ["yes", "no"],
    "public-name": ["auto.example.org", "auto.example.org:8443"],
    "ttl": ["0", "1", "168", "8760"],
    "pox-dav": ["yes", "no"],
    "activesync-v2": ["yes", "no"],
    "md5-lookup": ["yes", "no"],
    "pacc": [],  # with services of its own
    "unknown-users": ["refuse", "pattern"],
    "without-address": ["refuse", "pattern"],
    "send-logins-to": ["nobody", "192.0.2.0/24 2001:db8::/32"],
    "keep": ["yes", "no"],
    "webmail": ["https://mail.example.org/?a=b&c#d"],
    "oauth2-issuer": [],  # all four or none
    "oauth2-scope": [],
    "oauth2-auth-url": [],
    "oauth2-token-url": [],
}

URLS = [
    "imaps://{}", "imap+starttls://{}:1143", "imap://{}", "pop3s://{}", "pop3+starttls://{}",
    "submissions://{}", "submission+starttls://{}", "submission://{}:25", "managesieve+starttls://{}",
    "jmap+https://{}/jmap?a='b'", "caldav+https://{}/", "carddav+https://{}/c", "webdav+https://{}/w",
    "activesync+https://{}/eas",
]
WAYS = ["password-cleartext", "password-encrypted", "OAuth2", "GSSAPI", "NTLM", "none"]


def quoted(word):
    return "'" + word.replace("'", "'\\''") + "'"


def line(*words):
    return " ".join(quoted(word) for word in words) + "\n"


class Generator:
    """Commands of a random installation, from its seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lines = []

    def add(self, *words):
        self.lines.append(line(*words))

    def chance(self, percent):
        return self.random.randrange(100) < percent

    def provider(self, name):
        options = [f"--{option}={self.random.choice(values)}" for option, values in SAMPLES.items()
                   if values and self.chance(25)]
        if self.chance(25):
            options += ["--oauth2-issuer=https://issuer.example.org/", "--oauth2-scope=mail it's",
                        "--oauth2-auth-url=https://issuer.example.org/a",
                        "--oauth2-token-url=https://issuer.example.org/t"]
        if self.chance(10):
            self.add("provider", "add", "--pacc=yes", "--", name, "imaps://imap.example.org",
                     "submissions://smtp.example.org")
            return
        self.add("provider", "add", *options, "--", name)
        hosts = [f"h{number}.example" for number in range(3)] + ["mail.%EMAILDOMAIN%"]
        urls = {url.format(self.random.choice(hosts)) for url in self.random.sample(URLS, 8)}
        for url in self.random.sample(sorted(urls), self.random.randrange(len(urls) + 1)):
            self.service(name, url)
        for number in range(self.random.randrange(3)):
            texts = [f"--text={language}={self.random.choice(TEXTS)}" for language in
                     self.random.sample(["en", "de", "pt-br"], self.random.randrange(4))]
            self.add("link", "add", *texts, "--", name,
                     self.random.choice(["documentation", "enable"]), f"https://help.example/{number}?'")

    def service(self, provider, url):
        options = ["--allow-plaintext"]
        if self.chance(30):
            options.append("--auth=" + ",".join(self.random.sample(WAYS, self.random.randrange(1, 4))))
        if self.chance(20):
            options.append("--login=" + self.random.choice(["UNI\\%LOGIN%", "%EMAILADDRESS%", "-it's"]))
        if self.chance(20):
            options.append("--first")
        if url.startswith("pop3") and self.chance(60):
            options += ["--leave-on-server=yes", f"--leave-days={self.random.randrange(1, 99)}",
                        "--check-interval=15", "--download-at-check=" + self.random.choice(["yes", "no"])]
        self.add("service", "add", *options, "--", provider, url)

    def domains(self, providers):
        names = [f"d{number}.example" for number in range(self.random.randrange(1, 12))]
        names += [name for name in ("*.d0.example", "*.wild.example", "*", "bücher.example")
                  if self.chance(40)]
        self.random.shuffle(names)
        own = []
        for name in names:
            if own and self.chance(30):
                target = self.random.choice(own)
                self.add("domain", "add", name, "--alias-of", target, "--any-domain")
            else:
                self.add("domain", "add", name, "--provider=" + self.random.choice(providers),
                         "--any-domain")
                if not name.startswith("*"):
                    own.append(name)
            if self.chance(15):
                self.add("domain", "disable", name)
            if self.chance(15):
                self.add("domain", "set", name, "--moved-to",
                         self.random.choice(["elsewhere.example.net", "https://a.example.net/x?y='z'"]))
        return [name for name in names if not name.startswith("*")]

    def users(self, domains, providers):
        for number in range(self.random.randrange(40)):
            domain = self.random.choice(domains)
            local = self.random.choice(["first.last", "-x", "o'brien", "a+b", "#x", "{y}", ""]) + \
                ("" if self.chance(3) else str(number))
            options = []
            if self.chance(30):
                options.append("--name=" + self.random.choice(TEXTS))
            if self.chance(20):
                options.append("--provider=" + self.random.choice(providers))
            address = f"{local}@{domain}"
            self.add("user", "add", *options, "--", address, self.random.choice(LOGINS))
            if self.chance(10) and local:
                self.add("user", "set", "--moved-to=new@elsewhere.example.org", "--", address)

    def text(self):
        providers = self.random.sample(TEXTS + ["uni", "hoster", "d0.example"], self.random.randrange(1, 7))
        for provider in providers:
            self.provider(provider)
        domains = self.domains(providers)
        if domains:
            self.users(domains, providers)
        return "".join(self.lines)


def test_samples_are_complete(ctl):
    """A new option of a provider has to be exported; this is where it is noticed."""
    assert set(provider_options(ctl("provider", "add", "--help"))) == set(SAMPLES) | {"allow-plaintext"}


@pytest.mark.parametrize("option", [option for option, values in SAMPLES.items() if values])
def test_every_option_comes_through(ctl, place, option):
    for number, value in enumerate(SAMPLES[option]):
        ctl.batch(line("provider", "add", f"p{number}", f"--{option}={value}", *SERVICES))
    text = ctl("export")
    other = place("other")
    other.apply(text)
    assert other.json("provider", "list") == ctl.json("provider", "list")
    assert other("export") == text


def make(installation, seed):
    """Fills it. Commands that were refused, such as an address twice, are left out."""
    generator = Generator(seed)
    generator.text()
    lines = generator.lines
    while True:
        result = installation.fed("".join(lines), "batch", "-")
        if result.returncode == 0:
            return
        number = int(re.match(r"mailconfctl: standard input:(\d+): ", result.stderr).group(1))
        del lines[number - 1]


def users_of(lines):
    """What is said of each address. Words that begin with a dash stand behind --."""
    found = {}
    for text in lines:
        words = shlex.split(text, comments=True)
        if words[:1] == ["user"]:
            address = words[words.index("--") + 1] if "--" in words else words[2]
            found.setdefault(address, []).append(text)
    return found


SEEDS = range(int(os.environ.get("MAILCONFD_INSTALLATIONS", "24")))


@pytest.mark.parametrize("seed", SEEDS)
def test_random_installation(place, seed):
    one = place("one")
    make(one, seed)
    text = one("export")
    assert one.apply(text) == one.apply(text, "--dry-run") == "no differences\n"

    empty = place("empty")
    said = empty.apply(text)
    assert empty("export") == text
    added = sorted(line[2:] for line in said.splitlines() if line.startswith("+ "))
    assert added == sorted(line for line in text.splitlines() if line and line[0] != "#")

    again = place("again")
    again.batch(text)
    assert again("export") == text

    other = place("other")
    make(other, seed + 1000)
    before = other("export").splitlines()
    planned = other.apply(text, "--max-removals=100%", "--dry-run")
    done = other.apply(text, "--max-removals=100%")
    assert planned.replace("dry run: nothing was changed\n", "") == done
    assert other("export") == text
    assert other.apply(text) == "no differences\n"

    old, new = (users_of(some) for some in (before, text.splitlines()))
    removed, added = len(old.keys() - new.keys()), len(new.keys() - old.keys())
    changed = sum(old[address] != new[address] for address in old.keys() & new.keys())
    said = [line for line in done.splitlines() if line.startswith("users: ")]
    assert said == ([f"users: {added} added, {changed} changed, {removed} removed"]
                    if added or changed or removed else [])

    # What is printed leads from the one text to the other.
    lines = {line for line in before if line and line[0] != "#"}
    for difference in done.splitlines():
        if difference.startswith("- "):
            lines.discard(difference[2:])
        elif difference.startswith("+ "):
            lines.add(difference[2:])
    assert lines == {line for line in text.splitlines() if line and line[0] != "#"}


# Many users


def fill(file, count):
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.executemany(
            "INSERT INTO user (domain, local, login) VALUES ('uni.example', ?, ?)",
            ((f"u{number:08}", f"login{number}") for number in range(count)))


def peak(command, **arguments):
    """The most memory that a command had, in KiB."""
    process = subprocess.Popen(command, **arguments)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss


@pytest.mark.skipif(os.environ.get("MAILCONFD_MODE", "plain") != "plain",
                    reason="an instrument has memory of its own")
def test_export_takes_the_same_memory_for_many_users(place):
    peaks = []
    for count in 1000, 300000:
        installation = place(str(count))
        installation.batch(SMALL)
        fill(installation.database, count)
        with open(installation.database + ".text", "w", encoding="utf-8") as out:
            peaks.append(peak(installation.command("export"), stdout=out))
        with open(installation.database + ".text", encoding="utf-8") as text:
            assert sum(line.startswith("user add u") for line in text) == count
    assert peaks[1] < peaks[0] + 8192
