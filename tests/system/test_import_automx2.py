"""Databases of automx2, with the tables that its releases make."""
import contextlib
import sqlite3

import pytest

from mailconfctl import Mailconfctl

pytestmark = pytest.mark.sanitize

# Release 2020.0 (revision f62e64b43d2f).
FIRST = """
CREATE TABLE ldapserver (id INTEGER NOT NULL, name VARCHAR(128) NOT NULL, port INTEGER NOT NULL,
    use_ssl BOOLEAN NOT NULL, search_base VARCHAR(128) NOT NULL, search_filter VARCHAR(128) NOT NULL,
    attr_uid VARCHAR(128) NOT NULL, attr_cn VARCHAR(128), bind_password VARCHAR(128),
    bind_user VARCHAR(128), PRIMARY KEY (id), CHECK (use_ssl IN (0, 1)));
CREATE TABLE provider (id INTEGER NOT NULL, name VARCHAR(128) NOT NULL,
    short_name VARCHAR(128) NOT NULL, PRIMARY KEY (id));
CREATE TABLE server (id INTEGER NOT NULL, name VARCHAR(128) NOT NULL, port INTEGER NOT NULL,
    type VARCHAR(128) NOT NULL, socket_type VARCHAR(128) NOT NULL, user_name VARCHAR(128) NOT NULL,
    authentication VARCHAR(128) NOT NULL, PRIMARY KEY (id));
CREATE TABLE domain (id INTEGER NOT NULL, name VARCHAR(128) NOT NULL, provider_id INTEGER NOT NULL,
    ldapserver_id INTEGER, PRIMARY KEY (id), FOREIGN KEY(ldapserver_id) REFERENCES ldapserver (id),
    FOREIGN KEY(provider_id) REFERENCES provider (id), UNIQUE (name));
CREATE TABLE server_domain (server_id INTEGER NOT NULL, domain_id INTEGER NOT NULL,
    PRIMARY KEY (server_id, domain_id), FOREIGN KEY(domain_id) REFERENCES domain (id),
    FOREIGN KEY(server_id) REFERENCES server (id));
"""

# Revision 5334f8a8282c, then 43ebb40d0578: an old database that went along.
WITH_PRIORITIES = FIRST + """
ALTER TABLE server ADD COLUMN prio INTEGER DEFAULT '100' NOT NULL;
"""
MIGRATED = WITH_PRIORITIES + """
CREATE TABLE davserver (id INTEGER NOT NULL, url VARCHAR(128) NOT NULL, port INTEGER NOT NULL,
    type VARCHAR(32) NOT NULL, use_ssl BOOLEAN NOT NULL, domain_required BOOLEAN NOT NULL,
    user_name VARCHAR(64), PRIMARY KEY (id));
CREATE TABLE davserver_domain (davserver_id INTEGER NOT NULL, domain_id INTEGER NOT NULL,
    PRIMARY KEY (davserver_id, domain_id), FOREIGN KEY(davserver_id) REFERENCES davserver (id),
    FOREIGN KEY(domain_id) REFERENCES domain (id));
"""

# What the model of 2026 makes.
NEWEST = """
CREATE TABLE provider (id INTEGER NOT NULL, name VARCHAR(128) NOT NULL,
    short_name VARCHAR(32) NOT NULL, PRIMARY KEY (id));
CREATE TABLE server (id INTEGER NOT NULL, prio INTEGER DEFAULT '10' NOT NULL,
    name VARCHAR(128) NOT NULL, port INTEGER NOT NULL, type VARCHAR(32) NOT NULL,
    socket_type VARCHAR(32) NOT NULL, user_name VARCHAR(64) NOT NULL,
    authentication VARCHAR(32) NOT NULL, PRIMARY KEY (id));
CREATE TABLE davserver (id INTEGER NOT NULL, url VARCHAR(128) NOT NULL, port INTEGER NOT NULL,
    type VARCHAR(32) NOT NULL, use_ssl BOOLEAN NOT NULL, domain_required BOOLEAN NOT NULL,
    user_name VARCHAR(64), PRIMARY KEY (id));
CREATE TABLE ldapserver (id INTEGER NOT NULL, name VARCHAR(128) NOT NULL, port INTEGER NOT NULL,
    use_ssl BOOLEAN NOT NULL, search_base VARCHAR(128) NOT NULL, search_filter VARCHAR(128) NOT NULL,
    attr_uid VARCHAR(32) NOT NULL, attr_cn VARCHAR(32), bind_password VARCHAR(128),
    bind_user VARCHAR(128), PRIMARY KEY (id));
CREATE TABLE domain (id INTEGER NOT NULL, name VARCHAR(128) NOT NULL, provider_id INTEGER NOT NULL,
    ldapserver_id INTEGER, PRIMARY KEY (id), UNIQUE (name),
    FOREIGN KEY(provider_id) REFERENCES provider (id),
    FOREIGN KEY(ldapserver_id) REFERENCES ldapserver (id));
CREATE TABLE davserver_domain (davserver_id INTEGER NOT NULL, domain_id INTEGER NOT NULL,
    PRIMARY KEY (davserver_id, domain_id), FOREIGN KEY(davserver_id) REFERENCES davserver (id),
    FOREIGN KEY(domain_id) REFERENCES domain (id));
CREATE TABLE server_domain (server_id INTEGER NOT NULL, domain_id INTEGER NOT NULL,
    PRIMARY KEY (server_id, domain_id), FOREIGN KEY(server_id) REFERENCES server (id),
    FOREIGN KEY(domain_id) REFERENCES domain (id));
"""

# Without what only newer tables have.
ROWS = """
INSERT INTO provider (id, name, short_name) VALUES (1, 'Big Corporation, Inc.', 'BigCorp');
INSERT INTO domain (id, name, provider_id) VALUES (1, 'example.com', 1), (2, 'Example.NET', 1);
INSERT INTO server (id, type, name, port, socket_type, user_name, authentication) VALUES
    (1, 'imap', 'imap.example.com', 143, 'STARTTLS', '%EMAILADDRESS%', 'plain'),
    (2, 'smtp', 'smtp.example.com', 465, 'SSL', '%EMAILLOCALPART%', 'plain'),
    (3, 'pop', 'pop.example.com', 995, 'SSL', '%EMAILADDRESS%', 'OAuth2');
INSERT INTO server_domain VALUES (1, 1), (2, 1), (3, 1), (1, 2), (2, 2), (3, 2);
"""

WITHOUT_TOKENS = "offers OAuth2, but provider"


@pytest.fixture
def ctl(tmp_path):
    return Mailconfctl(str(tmp_path))


@pytest.fixture
def automx2(tmp_path):
    """Makes a database of some SQL, and tells its name."""

    def make(*parts):
        file = str(tmp_path / "automx2.sqlite")
        with contextlib.closing(sqlite3.connect(file)) as connection, connection:
            connection.executescript("".join(parts))
        return file

    return make


def import_it(ctl, file, *options):
    """The provider lines, and the warnings without the file's name."""
    result = ctl.run("import", "automx2", file, *options)
    assert result.returncode == 0, result.stderr
    prefix = f"mailconfctl: warning: {file}: "
    return result.stdout.splitlines(), [
        line[len(prefix):] if line.startswith(prefix) else line
        for line in result.stderr.splitlines() if WITHOUT_TOKENS not in line
        and "FairEmail" not in line
    ]


def services(ctl, provider):
    return [
        (service["url"], service.get("login"), service["auth"])
        for service in ctl.json("service", "list", provider)
    ]


@pytest.mark.parametrize(
    "schema", [FIRST, WITH_PRIORITIES, MIGRATED, NEWEST],
    ids=["2020.0", "with-priorities", "migrated", "newest"])
def test_every_release(ctl, automx2, schema):
    said, warned = import_it(ctl, automx2(schema, ROWS))
    assert said == ["provider BigCorp added, 3 services, 2 domains"]
    assert warned == []
    provider = ctl.json("provider", "show", "BigCorp")
    assert provider["display_name"] == "Big Corporation, Inc."
    assert provider["short_name"] == "BigCorp"
    assert provider["login"] == "%EMAILADDRESS%"
    assert provider["domains"] == ["example.com", "example.net"]
    assert services(ctl, "BigCorp") == [
        ("imap+starttls://imap.example.com", None, ["password-cleartext"]),
        ("pop3s://pop.example.com", None, ["OAuth2"]),
        ("submissions://smtp.example.com", "%EMAILLOCALPART%", ["password-cleartext"]),
    ]


def test_database_is_only_read(ctl, automx2):
    file = automx2(NEWEST, ROWS)
    with open(file, "rb") as before:
        contents = before.read()
    import_it(ctl, file)
    with open(file, "rb") as after:
        assert after.read() == contents


def test_priority_decides_who_is_first(ctl, automx2):
    file = automx2(NEWEST, ROWS, """
        INSERT INTO server VALUES
            (4, 20, 'b.example.com', 993, 'imap', 'SSL', '%EMAILADDRESS%', 'plain'),
            (5, 5, 'a.example.com', 143, 'imap', 'STARTTLS', '%EMAILADDRESS%', 'plain');
        INSERT INTO server_domain VALUES (4, 1), (5, 1), (4, 2), (5, 2);
    """)
    import_it(ctl, file)
    found = ctl.json("service", "list", "BigCorp")
    assert [(service["url"], service["first"]) for service in found[:3]] == [
        ("imap+starttls://a.example.com", True),
        ("imaps://b.example.com", False),
        ("imap+starttls://imap.example.com", False),
    ]


def test_domains_with_different_servers(ctl, automx2):
    file = automx2(NEWEST, ROWS, """
        INSERT INTO domain VALUES (3, 'example.org', 1, NULL), (4, 'other.example', 2, NULL),
            (5, 'more.example', 1, NULL);
        INSERT INTO server_domain VALUES (1, 3), (2, 3), (1, 4), (2, 4), (2, 5), (1, 5);
        INSERT INTO provider VALUES (2, 'Bigger', 'BigCorp');
    """)
    said, warned = import_it(ctl, file)
    assert said == [
        "provider BigCorp added, 3 services, 2 domains",
        "provider BigCorp (example.org) added, 2 services, 2 domains",
        "provider BigCorp (other.example) added, 2 services, 1 domain",
    ]
    assert warned == []
    shown = ctl.json("provider", "show", "BigCorp (example.org)")
    assert shown["domains"] == ["example.org", "more.example"]
    assert shown["display_name"] == "Big Corporation, Inc."
    assert ctl.json("provider", "show", "BigCorp (other.example)")["display_name"] == "Bigger"


def test_provider_is_named_after_a_domain_that_it_has(ctl, automx2):
    file = automx2(NEWEST, ROWS, """
        INSERT INTO domain VALUES (3, 'no domain', 1, NULL), (4, 'Example.ORG', 1, NULL),
            (5, 'nor this', 1, NULL);
        INSERT INTO server_domain VALUES (1, 3), (2, 3), (1, 4), (2, 4), (1, 5);
    """)
    said, warned = import_it(ctl, file)
    assert [line.split(" added")[0] for line in said] == [
        "provider BigCorp", "provider BigCorp (example.org)"]
    assert sum("a domain is left out" in line for line in warned) == 2


def test_dav_servers(ctl, automx2):
    file = automx2(NEWEST, ROWS, """
        INSERT INTO davserver VALUES
            (1, 'https://cal.example.com', 443, 'caldav', 1, 0, '%EMAILADDRESS%'),
            (2, 'dav.example.com/contacts/', 8443, 'carddav', 1, 1, NULL),
            (3, 'http://plain.example.com/dav', 0, 'caldav', 0, 0, '%EMAILADDRESS%');
        INSERT INTO davserver_domain VALUES (1, 1), (2, 1), (3, 1), (1, 2), (2, 2), (3, 2);
    """)
    said, warned = import_it(ctl, file)
    assert said == ["provider BigCorp added, 5 services, 2 domains"]
    assert warned == [
        "the caldav server 'http://plain.example.com/dav' is left out: "
        "'http://plain.example.com/dav' does not begin with https://"]
    assert [url for url, _, _ in services(ctl, "BigCorp")][3:] == [
        "caldav+https://cal.example.com/", "carddav+https://dav.example.com:8443/contacts/"]


def test_what_is_not_held_is_named(ctl, automx2):
    file = automx2(NEWEST, ROWS, """
        INSERT INTO ldapserver VALUES
            (1, 'ldap.example.com', 636, 1, 'dc=example,dc=com', '(mail={0})', 'uid', 'cn', 'x', 'y');
        UPDATE domain SET ldapserver_id = 1 WHERE id = 2;
        INSERT INTO server VALUES
            (4, 10, 'a.example.com', 123, 'INVALID', 'SSL', '%EMAILADDRESS%', 'plain'),
            (5, 10, 'b.example.com', 993, 'imap', 'Auto', '%EMAILADDRESS%', 'plain'),
            (6, 10, 'c.example.com', 993, 'imap', 'SSL', '%EMAILADDRESS%', 'magic'),
            (7, 10, 'd_e.example.com', 993, 'imap', 'SSL', '%EMAILADDRESS%', 'plain'),
            (8, 10, 'f.example.com', 993, 'imap', 'SSL', '%REALNAME%', 'plain'),
            (9, 10, 'g.example.com', 993, 'imap', 'SSL', '%EMAILADDRESS%', 'plain');
        INSERT INTO server_domain SELECT server.id, domain.id FROM server, domain
            WHERE server.id BETWEEN 4 AND 8;
        INSERT INTO provider VALUES (2, 'Nobody''s', 'None');
        INSERT INTO davserver VALUES (1, 'https://h.example/', 0, 'caldav', 1, 0, NULL);
        INSERT INTO domain VALUES (3, 'not_a_domain', 1, NULL), (4, 'lost.example', 9, NULL);
        INSERT INTO server_domain SELECT server_id, 3 FROM server_domain WHERE domain_id = 1;
    """)
    said, warned = import_it(ctl, file)
    assert said == ["provider BigCorp added, 4 services, 2 domains"]
    assert "x" not in " ".join(warned).split(), "a password is no matter for a warning"
    assert sorted(warned) == sorted([
        "automx2 looks up the logins of 'Example.NET' in LDAP at 'ldap.example.com', which mailconfd "
        "cannot: add a user for each login that differs from the provider's pattern",
        "the INVALID server 'a.example.com' is left out: mailconfd does not support the server type 'INVALID'",
        "the imap server 'b.example.com' is left out: mailconfd does not support the socket type 'Auto'",
        "the imap server 'c.example.com' is left out: mailconfd does not support the authentication 'magic'",
        "the imap server 'd_e.example.com' is left out: 'd_e.example.com' is not a host name",
        "the login of imaps://f.example.com is left out: login pattern '%REALNAME%': %REALNAME% is "
        "none of %EMAILADDRESS% %EMAILLOCALPART% %EMAILDOMAIN%",
        "a domain is left out: 'not_a_domain' is not a domain name",
        "domain 'lost.example' is left out: it has no provider",
        "the imap server 'g.example.com' is left out: no domain uses it",
        "the caldav server 'https://h.example/' is left out: no domain uses it",
        "provider 'Nobody's' is left out: no domain uses it",
    ])


def test_many_domains_in_ldap(ctl, automx2):
    """One warning for each host, not for each domain."""
    file = automx2(NEWEST, ROWS, """
        INSERT INTO domain VALUES (3, 'example.org', 1, NULL), (4, 'more.example', 1, NULL);
        INSERT INTO server_domain SELECT server_id, domain.id FROM server_domain, domain
            WHERE domain_id = 1 AND domain.id > 2;
        INSERT INTO ldapserver VALUES (1, 'a.example.com', 636, 1, 'dc', '(mail={0})', 'uid', NULL, NULL, NULL),
            (2, 'b.example.com', 636, 1, 'dc', '(mail={0})', 'uid', NULL, NULL, NULL);
        UPDATE domain SET ldapserver_id = 1; UPDATE domain SET ldapserver_id = 2 WHERE id = 3;
    """)
    _, warned = import_it(ctl, file)
    assert [line.partition(", which mailconfd cannot")[0] for line in warned] == [
        "automx2 looks up the logins of 'example.com' and 2 more domains in LDAP at 'a.example.com'",
        "automx2 looks up the logins of 'example.org' in LDAP at 'b.example.com'"]


def test_plaintext(ctl, automx2):
    file = automx2(NEWEST, ROWS, "UPDATE server SET socket_type = 'None' WHERE id = 1;")
    assert ctl.refused("import", "automx2", file) == (
        f"{file}: 'imap://imap.example.com' would send passwords over the network in clear text; "
        "use TLS or STARTTLS, or allow it with --allow-plaintext")
    assert ctl.json("provider", "list") == []
    import_it(ctl, file, "--allow-plaintext")
    assert services(ctl, "BigCorp")[0][0] == "imap://imap.example.com"


def test_what_exists_is_refused_as_a_whole(ctl, automx2):
    file = automx2(NEWEST, ROWS)
    ctl("domain", "add", "example.net", "imaps://h.example", "submissions://h.example")
    assert ctl.refused("import", "automx2", file) == (
        "domain 'example.net' exists already, with provider 'example.net'; use --replace to give it "
        "provider 'BigCorp'")
    assert [provider["name"] for provider in ctl.json("provider", "list")] == ["example.net"]
    said, _ = import_it(ctl, file, "--replace")
    assert said == [
        "provider BigCorp added, 3 services, 2 domains",
        "domain example.net taken from provider example.net",
        "provider example.net removed: no longer used",
    ]
    before = ctl("--json", "provider", "list"), ctl("--json", "domain", "list")
    assert ctl.refused("import", "automx2", file).startswith("provider 'BigCorp' exists already")
    said, _ = import_it(ctl, file, "--replace")
    assert said == ["provider BigCorp changed, 3 services, 2 domains"]
    assert (ctl("--json", "provider", "list"), ctl("--json", "domain", "list")) == before


def test_other_files(ctl, tmp_path, automx2):
    missing = str(tmp_path / "missing.sqlite")
    assert ctl.refused("import", "automx2", missing) == \
        f"cannot read '{missing}': No such file or directory"
    text = tmp_path / "text"
    text.write_text("provider\n" * 1000)
    assert ctl.refused("import", "automx2", str(text)) == \
        f"cannot read '{text}': file is not a database"
    file = automx2("CREATE TABLE provider (id INTEGER, name TEXT, short_name TEXT);")
    assert ctl.refused("import", "automx2", file) == (
        f"'{file}' is not a database of automx2: it has no table domain with a column provider_id")
    ctl("domain", "add", "example.org", "imaps://h.example", "submissions://h.example")
    assert "is not a database of automx2" in ctl.refused("import", "automx2", ctl.database)


def test_empty(ctl, automx2):
    file = automx2(NEWEST)
    assert ctl.warned("import", "automx2", file) == [f"{file} has no domains"]
