"""The trace: lines that follow one request, for all clients or for those of some networks."""
import contextlib
import json
import re
import signal
import sqlite3
import ssl
import threading

import pytest

from daemon import UnixConnection

TARGET = "/mail/config-v1.1.xml?emailaddress=First.Last%40example.org&x=secret4711"
QUESTION = f"GET {TARGET} HTTP/1.1\r\nHost: autoconfig.example.org\r\nAuthorization: Basic c2VjcmV0\r\n\r\n".encode()
EVENTS = ["connection accepted", "TLS handshake", "TLS handshake finished", "request received", "route found",
          "query parsed", "domain found", "login decided", "response sent", "connection closed"]


@pytest.fixture
def served(daemon):
    daemon.setup(["domain", "add", "example.org", "imaps://imap.example.org", "submissions://smtp.example.org"],
                 ["user", "add", "first.last@example.org", "login4711"])
    daemon.settings["server"]["threads"] = "1"
    return daemon


def ask(daemon, source="127.0.0.1", data=QUESTION):
    """Asks once; the access log has the answer afterwards."""
    connection = daemon.connect(source=source)
    try:
        return connection.ask(data)
    finally:
        connection.close()


def trace(daemon):
    """The lines, as (event, {name: value})."""
    found = []
    for line in daemon.log().splitlines():
        match = re.match(r"\S+Z debug: ([\w ,]+): (connection=\d+.*)$", line)
        if match:
            values = re.findall(r'([\w-]+)=("(?:[^"\\]|\\.)*"|\S+)', match.group(2))
            found.append((match.group(1), {name: value.strip('"') for name, value in values}))
    return found


def ask_while_the_database_is_locked(daemon, meanwhile):
    """Returns the parsed query as the trace shows it."""
    with contextlib.closing(sqlite3.connect(daemon.settings["database"]["file"], isolation_level=None)) as database:
        assert database.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
        daemon.settings["log"]["level"] = "debug"
        daemon.start()
        database.execute("BEGIN EXCLUSIVE")
        client = threading.Thread(target=ask, args=(daemon,))
        client.start()
        daemon.wait_for_log("database locked, waiting")
        meanwhile()
        database.execute("COMMIT")
        client.join()
    return dict(trace(daemon))["query parsed"]


def test_a_reload_while_a_request_waits_decides_about_its_address(served):
    """What was to be logged when it came counts no more."""
    served.settings["log"]["addresses"] = "full"

    def log_no_addresses():
        served.settings["log"]["addresses"] = "none"
        served.write_settings()
        served.reload()

    assert set(ask_while_the_database_is_locked(served, log_no_addresses)) == {"connection", "asks-for"}


def test_the_key_of_hashes_is_read_once_the_database_can_be(served):
    served.settings["log"]["addresses"] = "hash"
    assert "hash" in ask_while_the_database_is_locked(served, lambda: None)


def without_trace(daemon):
    return [line for line in daemon.log().splitlines() if " debug: " not in line]


def test_debug_follows_a_request(served):
    served.settings["log"]["level"] = "debug"
    served.start()
    assert b"login4711" in ask(served).body
    served.wait_for_log("connection closed")
    lines = trace(served)
    assert [event for event, _ in lines] == EVENTS
    values = dict(lines)
    assert {fields["connection"] for fields in values.values()} == {"1"}
    assert values["connection accepted"] == {"connection": "1", "client": "127.0.0.1", "listener": "https"}
    assert values["TLS handshake"]["sni"] == "autoconfig.example.org"
    assert values["TLS handshake"]["certificate"].endswith("/main.pem")
    assert values["TLS handshake finished"] == {"connection": "1", "tls": "1.3", "session": "full"}
    assert values["request received"].items() >= {
        "client": "127.0.0.1", "method": "GET", "host": "autoconfig.example.org", "path": "/mail/config-v1.1.xml",
        "rate-limit": "passed"}.items()
    assert values["route found"].items() >= {"route": "/mail/config-v1.1.xml", "protocol": "autoconfig"}.items()
    assert values["query parsed"] == {"connection": "1", "asks-for": "address", "domain": "example.org"}
    assert values["domain found"] == {"connection": "1", "domain": "example.org", "row": "example.org",
                                      "alias-of": "-", "named-by": "query", "provider": "example.org"}
    assert values["login decided"] == {"connection": "1", "user-row": "exact", "withheld": "no", "login": "row",
                                       "provider": "example.org"}
    assert values["response sent"].items() >= {"outcome": "settings", "status": "200"}.items()


@pytest.mark.parametrize("addresses", ["none", "domain", "hash", "full"])
def test_what_the_trace_keeps_to_itself(served, addresses):
    """Neither logins, query strings nor fields; and of addresses what the setting allows."""
    served.settings["log"].update(level="debug", addresses=addresses)
    served.start()
    ask(served)
    served.post("<Autodiscover><Request><EMailAddress>First.Last@example.org</EMailAddress></Request></Autodiscover>")
    served.wait_for_log("connection closed", 2)
    log = served.log()
    for secret in ("login4711", "secret4711", "c2VjcmV0", "<Request>"):
        assert secret not in log
    assert ("first.last" in log.lower()) == (addresses == "full")
    parsed = [values for event, values in trace(served) if event == "query parsed"]
    assert [set(values) - {"connection", "asks-for"} for values in parsed] == 2 * [
        {"none": set(), "domain": {"domain"}, "hash": {"domain", "hash"}, "full": {"address"}}[addresses]]


def test_one_network_is_traced(served):
    """Another network beside it is not."""
    served.settings["log"]["trace"] = "127.0.0.2 2001:db8::/32"
    served.start()
    ask(served, "127.0.0.1")
    ask(served, "127.0.0.2")
    served.wait_for_log("connection closed")
    assert [event for event, _ in trace(served)] == EVENTS
    assert dict(trace(served))["request received"]["client"] == "127.0.0.2"


def test_reload_switches(served):
    """On at any level, and off, also for connections that are open."""
    served.settings["log"]["trace"] = "127.0.0.2"
    served.start()
    connection = served.connect(source="127.0.0.2")
    connection.ask(QUESTION)
    served.wait_for_log("response sent")
    assert len(trace(served)) == len(EVENTS) - 1
    served.settings["log"]["trace"] = ""
    served.write_settings()
    served.reload()
    connection.ask(QUESTION)
    served.settings["log"].update(level="error", trace="127.0.0.0/30")
    served.write_settings()
    served.process.send_signal(signal.SIGHUP)
    # Nothing else tells of a reload at this level.
    while len(trace(served)) < len(EVENTS):
        connection.ask(QUESTION)
    connection.close()
    served.wait_for_log("connection closed")
    later = trace(served)[len(EVENTS) - 1:]
    assert [event for event, _ in later] == (len(later) - 1) // 6 * EVENTS[3:-1] + EVENTS[-1:]
    assert {values["connection"] for _, values in later} == {"2"}


def test_the_default_prints_nothing_of_it(served):
    """The same lines as without the setting, beside those of the trace."""
    served.start()
    ask(served)
    served.wait_for_log("outcome=")
    assert not trace(served) and not [line for line in served.log().splitlines() if "connection=" in line]
    lines = len(served.log().splitlines())
    served.stop()
    served.log_file.unlink()
    served.settings["log"]["trace"] = "127.0.0.1"
    served.start()
    ask(served)
    served.wait_for_log("connection closed")
    served.stop()
    assert len(without_trace(served)) == lines + 2, "two more for the stop"


def test_refused_server_name(served):
    served.settings["log"]["trace"] = "127.0.0.1"
    served.start()
    with pytest.raises(ssl.SSLError):
        served.connect("www.example.invalid")
    served.wait_for_log("connection closed")
    values = dict(trace(served))
    assert list(values) == ["connection accepted", "TLS handshake", "TLS handshake failed", "connection closed"]
    assert values["TLS handshake"] == {"connection": "1", "sni": "www.example.invalid", "certificate": "-", "key": "-"}
    assert values["TLS handshake failed"]["reason"] == "unknown-name"


@pytest.mark.parametrize("local, command, row, login", [
    ("other", None, "none", "pattern"),
    ("first.last+news", ["domain", "list"], "without-subaddress", "row"),
    ("other", ["user", "add", "@example.org", "all"], "catch-all", "row"),
])
def test_rows(served, local, command, row, login):
    served.ctl("provider", "set", "example.org", "--recipient-delimiter", "+")
    if command:
        served.ctl(*command)
    served.settings["log"]["level"] = "debug"
    served.start()
    served.get(f"/mail/config-v1.1.xml?emailaddress={local.replace('+', '%2b')}%40example.org")
    served.wait_for_log("login decided")
    values = dict(trace(served))["login decided"]
    assert (values["user-row"], values["login"]) == (row, login)
    assert values.get("pattern") == ("%EMAILADDRESS%" if login == "pattern" else None)


def test_limits(served):
    """The verdicts of both limits."""
    served.settings["log"]["trace"] = "127.0.0.1"
    served.settings["limits"].update({"trusted": "", "addresses-per-network": "1", "requests-per-second": "1",
                                      "requests-at-once": "3"})
    served.start()
    connection = served.connect()
    for local in ("another", "first.last", "first.last", "first.last"):
        connection.ask(f"GET /mail/config-v1.1.xml?emailaddress={local}%40example.org HTTP/1.1\r\n"
                       "Host: autoconfig.example.org\r\n\r\n".encode())
    connection.close()
    served.wait_for_log("connection closed")
    decided = [values["withheld"] for event, values in trace(served) if event == "login decided"]
    assert decided[:2] == ["no", "address-limit"]
    assert "exceeded" in [values["rate-limit"] for event, values in trace(served) if event == "request received"]


def test_json(served):
    served.settings["log"].update(format="json", trace="127.0.0.1")
    served.start()
    ask(served)
    served.wait_for_log("connection closed")
    lines = [json.loads(line) for line in served.log().splitlines()]
    assert [line["event"] for line in lines if "event" in line] == EVENTS
    assert all(line["level"] == "debug" and line["connection"] == 1 for line in lines if "event" in line)


def test_client_behind_a_proxy(served, tmp_path):
    """The network is that of the client, not of the proxy."""
    served.settings["server"]["behind-proxy"] = f"unix:{tmp_path}/proxy"
    served.settings["log"]["trace"] = "192.0.2.0/24"
    served.start()
    connection = UnixConnection(tmp_path / "proxy")
    for client in ("198.51.100.7", "192.0.2.77"):
        connection.ask(QUESTION.replace(b"Host:", f"X-Forwarded-For: {client}\r\nHost:".encode()))
    connection.close()
    served.wait_for_log("connection closed")
    lines = trace(served)
    assert lines[0][0] == "request received" and lines[0][1]["client"] == "192.0.2.77"
    assert [event for event, _ in lines] == EVENTS[3:]
