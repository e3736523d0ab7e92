"""What is exported is read back; and domains by the file: mailconfctl domain import."""

import pytest

from mailconfctl import Mailconfctl

SERVICES = ["imaps://imap.example.org", "submissions://smtp.example.org"]


def installation(directory):
    directory.mkdir(exist_ok=True)
    ctl = Mailconfctl(str(directory))
    ctl("provider", "add", "uni, \"the\" one", *SERVICES)
    ctl("domain", "add", "example.org", "--provider", "uni, \"the\" one")
    return ctl


@pytest.fixture
def ctl(tmp_path):
    return installation(tmp_path / "first")


@pytest.fixture
def other(tmp_path):
    return installation(tmp_path / "second")


@pytest.fixture
def write(tmp_path):
    def write(text, name="table"):
        path = tmp_path / name
        path.write_text(text)
        return str(path)
    return write


def complaints(ctl, *words):
    """What the import refuses, line by line; nothing may be changed by it."""
    before = ctl("domain", "export")
    result = ctl.run("domain", "import", *words)
    assert (result.returncode, result.stdout) == (1, "")
    assert ctl("domain", "export") == before
    return [line.removeprefix("mailconfctl: ") for line in result.stderr.splitlines()]


def test_users_are_read_back(ctl, other, write):
    ctl("user", "add", "a@example.org", "a,b", "--name", "Last, \"First\" 'F'")
    ctl("user", "add", "b@example.org", "\"b\"", "--provider", "uni, \"the\" one")
    ctl("user", "add", "@example.org", "bücher")
    ctl("user", "set", "a@example.org", "--moved-to", "A@example.com")
    ctl("domain", "add", "example.net", "--alias-of", "example.org")
    ctl("user", "add", "c@example.net", "c")
    exported = ctl("user", "export")
    assert exported.splitlines() == [
        "address,login,name,provider,moved_to",
        "c@example.net,c,,,",
        "@example.org,bücher,,,",
        "a@example.org,\"a,b\",\"Last, \"\"First\"\" 'F'\",,A@example.com",
        "b@example.org,\"\"\"b\"\"\",,\"uni, \"\"the\"\" one\","]
    assert ctl("user", "export", "--domain", "Example.NET").splitlines() == exported.splitlines()[:2]

    path = write(exported)
    assert ctl("user", "import", path, "--replace-all") == "0 users added, 0 changed, 0 removed\n"
    other("domain", "add", "example.net", "--alias-of", "example.org")
    other("user", "add", "c@example.net", "d", "--name", "C")
    assert other("user", "import", path) == "3 users added, 1 changed, 0 removed\n"
    assert other("user", "export") == exported
    assert other.json("user", "list") == ctl.json("user", "list")


def test_no_users(ctl, write):
    exported = ctl("user", "export")
    assert exported == "address,login,name,provider,moved_to\n"
    assert ctl("user", "import", write(exported)) == "0 users added, 0 changed, 0 removed\n"


def test_domains_are_read_back(ctl, other, write):
    ctl("domain", "add", "own.example", *SERVICES)
    ctl("domain", "add", "alias.example", "--alias-of", "own.example")
    ctl("domain", "add", "*.example.org", "--alias-of", "example.org")
    ctl("domain", "add", "*", "--alias-of", "example.org", "--any-domain")
    ctl("domain", "set", "own.example", "--moved-to", "https://mail.example.com/autodiscover")
    ctl("domain", "disable", "alias.example")
    exported = ctl("domain", "export")
    assert exported.splitlines() == [
        "domain,provider,alias_of,enabled,moved_to",
        "*,,example.org,yes,",
        "*.example.org,,example.org,yes,",
        "alias.example,,own.example,no,",
        "example.org,\"uni, \"\"the\"\" one\",,yes,",
        "own.example,own.example,,yes,https://mail.example.com/autodiscover"]
    path = write(exported)
    assert ctl("domain", "import", path, "--replace-all") == \
        "0 domains added, 0 changed, 0 removed\n"
    other("provider", "add", "own.example", *SERVICES)
    assert other("domain", "import", path, "--any-domain") == \
        "4 domains added, 0 changed, 0 removed\n"
    assert other("domain", "export") == exported


def test_domains_from_an_empty_file(ctl, write):
    assert "header" in complaints(ctl, write(""))[0]


def test_domains_change(ctl, write):
    ctl("domain", "import", write("domain,alias_of\na.example,example.org\nb.example,example.org\n"))
    ctl("provider", "add", "p", *SERVICES)
    path = write("enabled,provider,alias_of,domain\n,,,\n")
    # The alias of an alias becomes right by what else the file says.
    path = write("domain,provider,alias_of,enabled\n"
                 "b.example,,A.example,yes\na.example,p,,no\nc.example,p,,yes\n")
    words = ["domain", "import", path]
    assert ctl(*words, "--dry-run") == \
        "dry run: 1 domain would be added, 2 changed, 0 removed\n"
    assert ctl.json(*words) == {"added": 1, "changed": 2, "removed": 0, "unchanged": 0,
                                "skipped": 0, "dry_run": False}
    assert ctl.json("domain", "list") == [
        {"domain": "a.example", "provider": "p", "enabled": False},
        {"domain": "b.example", "alias_of": "a.example", "enabled": True},
        {"domain": "c.example", "provider": "p", "enabled": True},
        {"domain": "example.org", "provider": "uni, \"the\" one", "enabled": True}]
    ctl("domain", "import", write("domain,moved_to\nc.example,a.example\n"))
    assert ctl.json("domain", "show", "c.example") == {
        "domain": "c.example", "provider": "p", "moved_to": "a.example", "enabled": True}


def test_removed_domains_take_few_users_along(ctl, write):
    for number in range(1, 21):
        ctl("domain", "add", f"d{number}.example", "--alias-of", "example.org")
    ctl("domain", "add", "*.example.net", "--alias-of", "example.org")
    ctl("user", "import", write("address,login\na@example.org,a\n" + "".join(
        f"u{number}@{domain},x\n" for number in range(20)
        for domain in ("d1.example", "sub.example.net")), "users"))
    path = write("domain\nexample.org\n" + "".join(f"d{n}.example\n" for n in range(2, 21)))
    words = ["domain", "import", path, "--replace-all", "--with-users"]
    assert ctl.refused(*words) == \
        f"{path}: this would remove 40 of 41 users, more than the 10 % allowed; if this is intended, " \
        "use --max-removals 40"
    assert len(ctl.json("user", "list")) == 41
    assert ctl(*words, "--max-removals=40").endswith("0 domains added, 0 changed, 2 removed\n")
    assert [user["address"] for user in ctl.json("user", "list")] == ["a@example.org"]


def test_domains_replaced(ctl, write):
    ctl("domain", "add", "own.example", *SERVICES)
    ctl("domain", "add", "alias.example", "--alias-of", "own.example")
    ctl("user", "add", "a@own.example", "a")
    path = write("domain\nexample.org\n")
    assert ctl.refused("domain", "import", path, "--replace-all") == \
        f"{path}: this would remove 2 of 3 domains, more than the 10 % allowed; if this is intended, " \
        "use --max-removals 2"
    assert ctl.refused("domain", "import", path, "--replace-all", "--max-removals=2") == \
        "domain 'own.example' has 1 user; 'user list own.example' shows them; to remove them " \
        "too, use --with-users"
    assert len(ctl.json("domain", "list")) == 3
    assert ctl("domain", "import", path, "--replace-all", "--max-removals=2", "--with-users", "--dry-run") == (
        "dry run: 0 domains would be added, 0 changed, 2 removed\n"
        "1 user removed\n"
        "provider own.example removed: no longer used\n")
    assert len(ctl.json("domain", "list")) == 3
    assert ctl("domain", "import", path, "--replace-all", "--max-removals=2", "--with-users") == (
        "1 user removed\n"
        "provider own.example removed: no longer used\n"
        "0 domains added, 0 changed, 2 removed\n")
    assert ctl.json("user", "list") == []


def test_bad_domains(ctl, write):
    ctl("domain", "add", "alias.example", "--alias-of", "example.org")
    path = write("domain,provider,alias_of,enabled,moved_to\n"
                 "a_b,p,,,\n"
                 "b.example,nobody,,yes,\n"
                 "c.example,,,yes,\n"
                 "d.example,uni,example.org,yes,\n"
                 "e.example,,e.example,yes,\n"
                 "f.example,,missing.example,yes,\n"
                 "g.example,,alias.example,yes,\n"
                 "h.example,,*.example.org,yes,\n"
                 "*,,example.org,yes,\n"
                 "i.example,,example.org,true,\n"
                 "j.example,,example.org,yes,J.example\n"
                 "k.example,,example.org,yes,\n"
                 "k.example,,example.org,no,\n"
                 "k.example,,example.org,yes,\n"
                 "l.example\n"
                 "example.org,,k.example,yes,\n")
    assert complaints(ctl, path) == [
        f"{path}:2: 'a_b' is not a domain name",
        f"{path}:3: there is no provider 'nobody'",
        "hint: 'provider add' adds one, 'provider list' shows all",
        f"{path}:4: domain 'c.example' needs a provider or alias_of",
        f"{path}:5: domain 'd.example' can have a provider or be an alias, not both",
        f"{path}:6: domain 'e.example' cannot be an alias of itself",
        f"{path}:7: there is no domain 'missing.example' that 'f.example' could be an alias of",
        f"{path}:8: domain 'g.example' is an alias of 'alias.example', which is an alias itself",
        f"{path}:9: '*.example.org' is a wildcard domain, which cannot have aliases",
        f"{path}:10: '*' serves every domain that points here, including those of others",
        "hint: if this is intended, add --any-domain",
        f"{path}:10: domain '*' is an alias of 'example.org', which is an alias itself",
        f"{path}:11: enabled must be yes or no, not 'true'",
        f"{path}:12: domain 'j.example' cannot move to itself",
        f"{path}:13: domain 'k.example' is an alias of 'example.org', which is an alias itself",
        f"{path}:14: domain 'k.example' differs from line 13",
        f"{path}:16: the line has 1 field, but the header 5",
        f"{path}:17: domain 'alias.example' is an alias of 'example.org', which is an alias itself",
        f"{path}:17: domain 'example.org' is an alias of 'k.example', which is an alias itself",
        f"{path}: 17 bad lines; nothing is imported"]


def test_circles_of_domains(ctl, write):
    path = write("domain,provider,moved_to\na.example,\"uni, \"\"the\"\" one\",b.example\n"
                 "b.example,\"uni, \"\"the\"\" one\",a.example\n")
    assert "in a loop" in ctl.refused("domain", "import", path)


def test_misuse(ctl, write):
    path = write("domain\n")
    assert "--with-users requires --replace-all" in ctl.misused("domain", "import", path,
                                                                 "--with-users")
    assert "--max-removals requires --replace-all" in ctl.misused("domain", "import", path,
                                                                   "--max-removals=3")
