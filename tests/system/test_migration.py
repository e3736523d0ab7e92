"""A database of the first release: refused by a daemon, brought up by a command, all kept."""
import re
import sqlite3
import subprocess

import pytest

from conftest import ROOT
from daemon import PATIENCE
from mailconfctl import joined

SCHEMA = ROOT / "data" / "schema"
VERSION = len(list(SCHEMA.glob("*.sql")))

ROWS = """
INSERT INTO provider VALUES
    (1, 'uni', 'University Mail', 'Uni', '%EMAILLOCALPART%', 'keep', '+-', 1, 0, 0),
    (4, 'example.com', NULL, NULL, '%EMAILADDRESS%', 'lower', '', 0, 1, 1);
INSERT INTO service VALUES
    (1, 0, 'imaps://imap.example.org', NULL, 'OAuth2,password-cleartext', 0),
    (1, 1, 'submissions://smtp.example.org', 'UNI\\%LOGIN%', 'password-cleartext', 0),
    (1, 2, 'activesync+https://sync.example.org/eas', NULL, 'password-cleartext', 1),
    (4, 0, 'imap+starttls://mail.example.com:1143', NULL, 'password-cleartext', 0);
INSERT INTO domain VALUES
    ('example.org', 1, NULL, 1), ('example.com', 4, NULL, 0), ('*.example.org', NULL, 'example.org', 1);
INSERT INTO user VALUES
    ('example.org', 'first.last', 'a4711', 'Fürst Läst', NULL), ('example.org', '', 'team', NULL, 4),
    ('sub.example.org', 'x', '007', NULL, 1);
"""


def first_release(file):
    """As the first release made it."""
    database = sqlite3.connect(file)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA application_id = 0x6d636664")
    database.executescript((SCHEMA / "001-first.sql").read_text(encoding="utf-8"))
    database.executescript(ROWS)
    database.execute("PRAGMA user_version = 1")
    database.commit()
    database.close()


def contents(file):
    """Each table as a list of rows, which are dictionaries."""
    database = sqlite3.connect(file)
    database.row_factory = sqlite3.Row
    try:
        return {
            table: [dict(row) for row in database.execute(f"SELECT * FROM {table} ORDER BY 1, 2")]
            for table in ("provider", "service", "link", "link_text", "domain", "user")
            if database.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
        }
    finally:
        database.close()


def pragma(file, name):
    database = sqlite3.connect(file)
    try:
        return [tuple(row) for row in database.execute(f"PRAGMA {name}")]
    finally:
        database.close()


@pytest.fixture
def old(daemon):
    first_release(daemon.settings["database"]["file"])
    return daemon


def refusal(daemon):
    return (
        f"database '{daemon.settings['database']['file']}' has schema version 1, but this program "
        f"requires version {VERSION}; upgrade it with 'mailconfctl init'"
    )


def test_daemon_refuses_it(old):
    old.write_settings()
    for arguments, prefix in ((), "error: "), (("--check-config",), "mailconfd: "):
        result = subprocess.run(
            old.command(*arguments), capture_output=True, text=True, check=False, timeout=PATIENCE
        )
        assert result.returncode == 1
        lines = [line for line in joined(result.stderr).splitlines() if "listening on" not in line]
        assert [re.sub(r"^\d{4}\S+Z ", "", line) for line in lines] == [prefix + refusal(old)]
    assert pragma(old.settings["database"]["file"], "user_version") == [(1,)]


def test_reading_commands_refuse_it(old):
    for words in (("domain", "list"), ("provider", "show", "uni"), ("preview", "outlook", "a@example.org")):
        result = old.ctl(*words, check=False)
        assert (result.returncode, result.stdout) == (1, "")
        assert joined(result.stderr) == f"mailconfctl: {refusal(old)}\n"
    assert pragma(old.settings["database"]["file"], "user_version") == [(1,)]


def test_writing_command_brings_it_up(old):
    file = old.settings["database"]["file"]
    before = contents(file)
    assert old.ctl("user", "add", "new@example.org", "new").stdout == "user new@example.org added, login new\n"
    assert pragma(file, "user_version") == [(VERSION,)]
    assert pragma(file, "integrity_check") == [("ok",)]
    assert pragma(file, "foreign_key_check") == []
    after = contents(file)
    new = [row for row in after["user"] if row["local"] == "new"]
    after["user"].remove(*new)
    for table, rows in before.items():
        assert [{key: row[key] for key in rows[0]} for row in after[table]] == rows, table
    added = {key: value for key, value in after["provider"][0].items() if key not in before["provider"][0]}
    assert added == {
        "public_name": None,
        "ttl": 168,
        "pox_dav": 0,
        "activesync_v2": 0,
        "pacc": 0,
        "md5_lookup": 0,
        "unknown_users": "pattern",
        "without_address": "pattern",
        "send_logins_to": "everyone",
        "webmail": None,
        "oauth2_issuer": None,
        "oauth2_scope": None,
        "oauth2_auth_url": None,
        "oauth2_token_url": None,
    }
    for row in after["service"]:
        assert {key: value for key, value in row.items() if key not in before["service"][0]} == {
            "leave_on_server": None,
            "leave_days": None,
            "check_interval": None,
            "download_at_check": None,
        }
    assert (after["link"], after["link_text"]) == ([], [])
    assert all(row["moved_to"] is None for row in after["domain"] + after["user"])


def test_init_brings_it_up_and_changes_nothing_else(old):
    file = old.settings["database"]["file"]
    before = contents(file)
    for _ in range(2):
        assert old.ctl("init").stdout == f"database {file} is ready\n"
        assert pragma(file, "user_version") == [(VERSION,)]
        after = contents(file)
        for table, rows in before.items():
            assert [{key: row[key] for key in rows[0]} for row in after[table]] == rows, table


def test_init_makes_an_empty_one(daemon):
    daemon.ctl("init")
    assert daemon.ctl("domain", "list").stdout == ""
    daemon.start()
    assert daemon.get("/mail/config-v1.1.xml").status == 404


def test_refused_command_brings_it_up_or_leaves_it(old):
    """Half a migration is never seen; what it holds stays."""
    file = old.settings["database"]["file"]
    before = contents(file)
    assert old.ctl("domain", "add", "example.org", "--provider", "uni", check=False).returncode == 1
    assert pragma(file, "user_version") in ([(1,)], [(VERSION,)])
    after = contents(file)
    for table, rows in before.items():
        assert [{key: row[key] for key in rows[0]} for row in after[table]] == rows, table


def test_answers_stay_the_same(old):
    """What the first release had in it is told to clients as ever."""
    old.setup(["domain", "enable", "example.com"])
    old.start()
    document = old.get("/mail/config-v1.1.xml?emailaddress=first.last%40example.org").body.decode()
    assert "<username>a4711</username>" in document
    assert r"<username>UNI\a4711</username>" in document
    assert "<authentication>OAuth2</authentication>" in document
    document = old.get("/mail/config-v1.1.xml?emailaddress=guest%40example.org").body.decode()
    assert "<username>team</username>" in document and "<hostname>mail.example.com</hostname>" in document


def test_migrated_is_made_alike(old, tmp_path):
    """A database that was brought up has the tables and indices of one that is made today."""
    old.ctl("user", "add", "new@example.org", "new")
    made = tmp_path / "made.db"
    old.ctl("init", "--database", made)
    old.ctl("provider", "add", "uni", "imaps://h.example", "submissions://h.example", "--database", made)

    def schema(file):
        database = sqlite3.connect(file)
        try:
            return sorted(database.execute("SELECT type, name, sql FROM sqlite_schema"), key=str)
        finally:
            database.close()

    assert schema(old.settings["database"]["file"]) == schema(made)
