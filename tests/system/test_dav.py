"""Clients that look for calendars and contacts are never redirected to where they ask."""
import contextlib
import sqlite3

import pytest

CAL, CARD = "/.well-known/caldav", "/.well-known/carddav"
MAIL = ["imaps://imap.example.org", "submissions://smtp.example.org"]


def refusal(provider, url, kind="CalDAV"):
    return (
        f"mailconfctl: provider '{provider}' cannot have '{url}': there clients ask this server, which would "
        f"redirect them in a loop\nhint: say where its {kind} is, as in https://HOST/dav/\n"
    )


def refused(daemon, *words):
    result = daemon.ctl(*words, check=False)
    assert (result.returncode, result.stdout) == (1, "")
    return result.stderr


@pytest.fixture
def filled(daemon):
    daemon.settings["server"]["public-name"] = "auto.example.net:443"
    daemon.setup(["domain", "add", "example.org", *MAIL])
    return daemon


@pytest.mark.parametrize("url", [
    "caldav+https://example.org" + CAL,
    "carddav+https://%EMAILDOMAIN%" + CAL,
    "caldav+https://autoconfig.%EMAILDOMAIN%" + CARD,
    "carddav+https://ua-auto-config.example.org" + CARD,
    "caldav+https://auto.example.net/.Well-Known/CalDAV",
    "carddav+https://example.org" + CAL + "/",
    "carddav+https://example.org" + CARD + "?a=b",
])
def test_refused(filled, url):
    kind = "CardDAV" if url.startswith("carddav") else "CalDAV"
    assert refused(filled, "service", "add", "example.org", url) == refusal("example.org", url, kind)


@pytest.mark.parametrize("url", [
    "caldav+https://cloud.example.org" + CAL,
    "caldav+https://example.net" + CAL,
    "caldav+https://dav.%EMAILDOMAIN%" + CAL,
    "caldav+https://example.org:8443" + CAL,
    "carddav+https://%EMAILDOMAIN%:8443" + CARD,
    "caldav+https://example.org/.well-known/caldavs",
    "caldav+https://example.org/.well-known/caldav/of/all",
    "caldav+https://example.org/dav" + CAL,
    "webdav+https://example.org" + CAL,
])
def test_accepted(filled, url):
    filled.ctl("service", "add", "example.org", url)


def test_whatever_comes_last_is_refused(filled, tmp_path):
    url = "carddav+https://dav.example.net" + CARD
    for words in (["domain", "add", "dav.example.net", *MAIL, url],
                  ["domain", "add", "example.net", *MAIL, "caldav+https://autoconfig.example.net" + CAL]):
        assert refused(filled, *words) == refusal(words[2], words[-1], "CardDAV" if words[-1] == url else "CalDAV")
    filled.ctl("provider", "add", "uni", *MAIL, url)
    filled.ctl("provider", "add", "corp", *MAIL, url)
    said = refusal("corp", url, "CardDAV")
    assert refused(filled, "domain", "add", "dav.example.net", "--provider", "uni") == said
    assert refused(filled, "provider", "set", "uni", "--public-name", "dav.example.net") == said
    path = tmp_path / "domains.csv"
    path.write_text("domain,provider\ndav.example.net,uni\n", encoding="ascii")
    assert refused(filled, "domain", "import", path) == said
    path.write_text(filled.ctl("export").stdout + "domain add dav.example.net --provider uni\n", encoding="utf-8")
    assert refused(filled, "apply", path) == said


@pytest.mark.parametrize("calendars, contacts", [
    ("caldav+https://%EMAILDOMAIN%" + CARD, "carddav+https://%EMAILDOMAIN%" + CAL),
    ("caldav+https://autoconfig.example.org" + CAL, "carddav+https://example.org" + CARD),
])
def test_what_a_hand_wrote_sends_nobody_back(filled, calendars, contacts):
    filled.ctl("service", "add", "example.org", "caldav+https://cloud.example.org" + CAL)
    filled.ctl("service", "add", "example.org", "carddav+https://cloud.example.org" + CARD)
    with contextlib.closing(sqlite3.connect(filled.settings["database"]["file"])) as connection, connection:
        for url in (calendars, contacts):
            connection.execute("UPDATE service SET url = ? WHERE url LIKE ?", (url, url.partition("+")[0] + "+%"))
    filled.start()
    for path in (CAL, CARD):
        response = filled.get(path)
        assert (response.status, response.headers.get("location")) == (404, None)
