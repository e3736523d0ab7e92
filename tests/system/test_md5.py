"""People found by the MD5 of their address, which is all that Evolution tells of it."""
import hashlib
import random
import re
import sqlite3

import pytest

SERVICES = ("imaps://imap.example.org", "submissions://smtp.example.org")


def md5(text):
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def question(domain, digest):
    return (
        f"/mail/config-v1.1.xml?emailaddress=EVOLUTIONUSER%40{domain}&emailmd5={digest}",
        f"autoconfig.{domain}",
    )


def answer(daemon, address, digest=None):
    """What Evolution gets, without what differs from second to second."""
    response = daemon.get(*question(address.partition("@")[2], digest or md5(address)))
    return re.sub(rb"\r\nDate: [^\r]*", b"", response.raw)


def logins(answer):
    return set(re.findall(rb"<username>(.*)</username>", answer))


def login(daemon, address, digest=None):
    found = logins(answer(daemon, address, digest))
    assert len(found) <= 1
    return found.pop().decode() if found else None


@pytest.fixture
def served(daemon):
    daemon.ctl("domain", "add", "example.org", "--login=%EMAILLOCALPART%", "--md5-lookup=yes",
               *SERVICES)
    daemon.ctl("domain", "add", "example.net", "--alias-of=example.org")
    daemon.ctl("user", "add", "first.last@example.org", "a4711")
    daemon.ctl("user", "add", "Twice@example.org", "one")
    daemon.ctl("user", "add", "twice@example.net", "two")
    return daemon


def test_found_and_not_found(served):
    served.start()
    assert login(served, "first.last@example.org") == "a4711"
    assert login(served, "first.last@example.org", md5("first.last@example.org").upper()) == "a4711"
    assert login(served, "first.last@example.net") == "a4711"  # the complete address of the alias
    assert login(served, "first.last@example.net", md5("first.last@example.org")) == \
        "%EMAILLOCALPART%"
    assert login(served, "twice@example.org") == "one"
    assert login(served, "twice@example.net") == "two"
    for typed in ("First.Last@example.org", "first.last+tag@example.org", "nobody@example.org"):
        assert login(served, typed) == "%EMAILLOCALPART%"


def test_hostile_digests_are_as_good_as_none(served):
    served.start()
    wanted = answer(served, "nobody@example.org")
    good = md5("first.last@example.org")
    for digest in ("", good[:-1], good + "0", good + "%00", f"{good}&emailmd5={good}",
                   f"{good}&EMAILMD5=", "%27%20OR%20%27%27%3D%27", "%ff" * 32, "g" * 32,
                   good[:31] + "%0a", "0" * 4000):
        got = answer(served, "x@example.org", digest)
        # Without a digest that can be read it is a question of a domain, which may be kept.
        assert got.replace(b"max-age=300", b"private, no-cache").partition(b"\r\n\r\n")[2] == \
            wanted.partition(b"\r\n\r\n")[2]


def test_known_and_unknown_look_alike(served):
    served.ctl("user", "add", "likes.pattern@example.org", "likes.pattern")
    served.start()
    known, unknown = (answer(served, f"{who}@example.org") for who in ("first.last", "nobody"))
    assert b"\r\nCache-Control: private, no-cache\r\n" in known
    size = rb"\r\nContent-Length: \d+"
    assert re.sub(size, b"", known.replace(b"a4711", b"%EMAILLOCALPART%")) == \
        re.sub(size, b"", unknown)
    assert answer(served, "likes.pattern@example.org") == unknown


def test_off_by_default(served):
    served.ctl("provider", "set", "example.org", "--md5-lookup=no")
    served.start()
    plain = answer(served, "first.last@example.org")
    assert logins(plain) == {b"%EMAILLOCALPART%"}
    assert b"max-age=300" in plain
    served.ctl("provider", "set", "example.org", "--md5-lookup=yes")
    assert login(served, "first.last@example.org") == "a4711"


def test_the_catch_all_is_for_nobody_in_particular(served):
    served.ctl("user", "add", "@example.org", "everybody")
    served.start()
    assert login(served, "nobody@example.org") == "%EMAILLOCALPART%"
    assert login(served, "@example.org") == "%EMAILLOCALPART%"
    assert login(served, "first.last@example.org") == "a4711"


def test_a_login_that_evolution_would_spoil_is_kept_back(served):
    """It replaces the word wherever it stands."""
    served.ctl("user", "add", "odd@example.org", "x-EVOLUTIONUSER-y")
    served.ctl("user", "add", "even@example.org", "x-evolutionuser-y")
    served.start()
    assert login(served, "odd@example.org") == "%EMAILLOCALPART%"
    assert login(served, "even@example.org") == "x-evolutionuser-y"


def test_a_provider_of_the_users_own_may_say_no(served):
    for choice in ("yes", "no"):
        served.ctl("provider", "add", choice, "imaps://own.example.org",
                   "submissions://own.example.org", f"--md5-lookup={choice}")
        served.ctl("user", "add", f"{choice}@example.org", "x", f"--provider={choice}")
    served.start()
    assert login(served, "yes@example.org") == "x"
    assert b"own.example.org" in answer(served, "yes@example.org")
    assert answer(served, "no@example.org") == answer(served, "nobody@example.org")


def test_logins_go_to_whom_they_go_by_address(served):
    served.ctl("provider", "set", "example.org", "--send-logins-to=192.0.2.0/24")
    served.start()
    assert answer(served, "first.last@example.org") == answer(served, "nobody@example.org")
    served.ctl("provider", "set", "example.org", "--send-logins-to=127.0.0.1")
    assert login(served, "first.last@example.org") == "a4711"


def test_digests_count_as_addresses(served):
    served.settings["limits"] = {"addresses-per-network": "3", "trusted": ""}
    served.start()
    for i in range(3):
        answer(served, f"nobody{i}@example.org")
    assert answer(served, "first.last@example.org") == answer(served, "nobody@example.org")


def test_refusing_unknown_users(served):
    """Who tells an MD5 tells who it is: then 'unknown-users' decides, else 'without-address'."""
    served.ctl("provider", "set", "example.org", "--unknown-users=refuse")
    served.start()
    assert login(served, "first.last@example.org") == "a4711"
    assert answer(served, "nobody@example.org").startswith(b"HTTP/1.1 404 ")
    assert login(served, "nobody@example.org", "0") == "%EMAILLOCALPART%"
    served.ctl("provider", "set", "example.org", "--without-address=refuse",
               "--unknown-users=pattern")
    assert login(served, "first.last@example.org") == "a4711"
    assert login(served, "nobody@example.org") == "%EMAILLOCALPART%"
    assert answer(served, "nobody@example.org", "0").startswith(b"HTTP/1.1 404 ")
    served.ctl("provider", "set", "example.org", "--md5-lookup=no")
    assert answer(served, "first.last@example.org").startswith(b"HTTP/1.1 404 ")


def test_the_log_does_not_tell_who_it_was(served):
    served.settings["log"]["addresses"] = "full"
    served.start()
    assert login(served, "first.last@example.org") == "a4711"
    served.stop()
    assert "first.last" not in served.log() and md5("first.last@example.org") not in served.log()


# Kept in step


def serving(domains, name):
    """The row that answers for a domain, as DESIGN has it: exactly, then by patterns."""
    if name in domains:
        return name
    rest = name
    while "." in rest:
        rest = rest.partition(".")[2]
        if f"*.{rest}" in domains:
            return f"*.{rest}"
    return "*" if "*" in domains else None


def expected(database):
    """The entries that the other tables ask for."""
    providers = dict(database.execute("SELECT id, md5_lookup FROM provider"))
    domains = {
        name: (provider, alias_of)
        for name, provider, alias_of in database.execute(
            "SELECT name, provider, alias_of FROM domain")
    }
    users = {}
    for domain, local in database.execute("SELECT domain, local FROM user WHERE local <> ''"):
        users.setdefault(domain, set()).add(local)
    entries = set()
    for domain in {*users, *(name for name in domains if "*" not in name)}:
        row = serving(domains, domain)
        if row is None:
            continue
        provider, alias_of = domains[row]
        if not providers[domains[alias_of][0] if alias_of else provider]:
            continue
        locals_ = users.get(domain, set()) | (users.get(alias_of, set()) if row == domain else set())
        entries |= {(domain, bytes.fromhex(md5(f"{local}@{domain}")), local) for local in locals_}
    return entries


def check_in_step(file):
    database = sqlite3.connect(file)
    try:
        found = set(database.execute("SELECT domain, md5, local FROM user_md5"))
        assert found == expected(database)
        return len(found)
    finally:
        database.close()


NAMES = ("example.org", "a.example.org", "b.example.org", "example.net", "*.example.org", "*")


def random_change(random_):
    """Words of a command, which may well be refused."""
    name, provider = random_.choice(NAMES), random_.choice(("p", "q"))
    whom = f"{random_.choice('xyz')}@{random_.choice(NAMES[:4])}"
    return random_.choice((
        ("user", "add", whom, "login"),
        ("user", "add", whom, "login", f"--provider={provider}"),
        ("user", "add", whom, "login"),
        ("user", "add", f"@{random_.choice(NAMES[:4])}", "login"),
        ("user", "set", whom, "--login=other"),
        ("user", "remove", whom),
        ("domain", "add", name, f"--provider={provider}", "--any-domain"),
        ("domain", "add", name, f"--alias-of={random_.choice(NAMES[:4])}", "--any-domain"),
        ("domain", "set", name, f"--provider={provider}"),
        ("domain", "set", name, f"--alias-of={random_.choice(NAMES[:4])}"),
        ("domain", "set", name, "--moved-to=elsewhere.example"),
        ("domain", "disable", name),
        ("domain", "enable", name),
        ("domain", "remove", name, *random_.choice(((), ("--with-users",)))),
        ("provider", "set", provider, f"--md5-lookup={random_.choice(('yes', 'no', 'yes'))}"),
    ))


@pytest.mark.parametrize("count", [150, pytest.param(600, marks=pytest.mark.soak)])
def test_kept_in_step_with_every_change(daemon, count):
    random_ = random.Random(3)
    file = daemon.settings["database"]["file"]
    for provider in ("p", "q"):
        daemon.ctl("provider", "add", provider, *SERVICES)
    done, most = 0, 0
    for _ in range(count):
        words = random_change(random_)
        result = daemon.ctl(*words, check=False)
        assert result.returncode in (0, 1), (words, result.stderr)
        done += result.returncode == 0
        most = max(most, check_in_step(file))
    assert done > count / 3 and most > 4


def test_nothing_is_kept_where_it_is_off(daemon):
    daemon.ctl("domain", "add", "example.org", *SERVICES)
    daemon.ctl("user", "add", "x@example.org", "x")
    database = sqlite3.connect(daemon.settings["database"]["file"])
    assert database.execute("SELECT count(*) FROM user_md5").fetchone() == (0,)
    database.close()


def test_imported_users_are_found(served, tmp_path):
    """And those that an import removes no longer."""
    path = tmp_path / "users"
    path.write_text("address,login\nnew@example.org,imported\ntwice@example.net,three\n")
    served.ctl("user", "import", path, "--replace-all", "--max-removals=100%")
    served.start()
    assert login(served, "new@example.org") == login(served, "new@example.net") == "imported"
    assert login(served, "twice@example.net") == "three"
    for gone in ("first.last@example.org", "first.last@example.net", "twice@example.org"):
        assert login(served, gone) == "%EMAILLOCALPART%"
