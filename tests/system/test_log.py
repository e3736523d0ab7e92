"""The log of requests: what it says, in which format, and what it keeps to itself."""
import json
import re
import socket
import sqlite3
import ssl
import time

import pytest

from daemon import PATIENCE

CONFIG = b"/mail/config-v1.1.xml"
ADDRESS = "/mail/config-v1.1.xml?emailaddress=%s"
MEMBERS = ["time", "level", "client", "method", "host", "path", "program", "protocol", "domain", "outcome", "status",
           "bytes", "micros", "tls", "session"]


@pytest.fixture
def served(daemon):
    daemon.setup(["domain", "add", "example.org", "imaps://imap.example.org", "submissions://smtp.example.org"])
    return daemon


def get(path, **fields):
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"GET {path} HTTP/1.1\r\nHost: autoconfig.example.org\r\n{lines}\r\n".encode()


def records(daemon):
    """The lines about requests, as objects; every line must be one."""
    lines = [json.loads(line) for line in daemon.log().splitlines()]
    assert all({"time", "level"} <= line.keys() for line in lines)
    return [line for line in lines if "method" in line]


def test_json_has_every_member(served):
    served.settings["log"]["format"] = "json"
    served.start()
    served.ask(get(ADDRESS % "first.last%40example.org", User_Agent="Evolution/3.46.4 "))
    served.wait_for_log('"method"')
    (record,) = records(served)
    assert list(record) == MEMBERS
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record["time"])
    assert record["level"] == "info"
    assert record["client"] == "127.0.0.1" and record["program"] == "evolution"
    assert record["protocol"] == "autoconfig" and record["outcome"] == "settings"
    assert record["status"] == 200 and record["bytes"] > 0 and record["micros"] > 0
    assert record["tls"] == "1.3" and record["session"] == "full"


def test_version_and_resumption_are_logged(served):
    served.settings["log"]["format"] = "json"
    served.start()
    context = served.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    connection = served.connect(context=context)
    connection.ask(get("/mail/config-v1.1.xml"))
    session = connection.socket.session
    connection.close()
    raw = socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE)
    connection = context.wrap_socket(raw, server_hostname="autoconfig.example.org", session=session)
    connection.sendall(get("/mail/config-v1.1.xml"))
    assert connection.recv(15) == b"HTTP/1.1 200 OK"
    connection.close()
    served.wait_for_log('"method"', 2)
    first, second = records(served)
    assert (first["tls"], first["session"]) == ("1.2", "full")
    assert (second["tls"], second["session"]) == ("1.2", "resumed")


HOSTILE = ["\x1b[2J\x1b[31m", "\x9b31m", "m\u00fcller", "\u202e\u0000".replace("\0", ""), '"} {"level":"x', "\\", "a\tb"]


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_in_its_place(served, form, text):
    """Terminal escapes, quotes and line ends come from Host, path and User-Agent; a line stays a line."""
    served.settings["log"].update(format=form, addresses="full")
    served.start()
    raw = text.encode("utf-8", "surrogateescape")
    encoded = "".join(f"%{byte:02x}" for byte in raw)
    for data in (
        b"GET /" + raw.replace(b"\t", b"") + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: " + raw + b"\r\nUser-Agent: " + raw + b"\r\n\r\n",
        get(ADDRESS % (encoded + "%40example.org")),
        get(ADDRESS % ("first%0a%0dlast%0a@example.org")),
    ):
        try:
            served.ask(data)
        except ConnectionError:
            pass
    served.ask(get(ADDRESS % "the.end%40example.org"))
    served.wait_for_log("the.end@example.org")
    log = served.log_file.read_bytes()
    assert all(byte == 0x0A or 0x20 <= byte < 0x7F for byte in log), "only printable ASCII"
    if form == "json":
        assert len(records(served)) >= 3
    else:
        assert all(re.match(r"\d{4}-\d\d-\d\dT[0-9:.]+Z \w", line) for line in log.decode().splitlines())


def test_hash_of_an_address(served):
    served.settings["log"].update(format="json", addresses="hash")
    served.start()
    for address in ("first.last%40example.org", "First.LAST%40Example.org", "other%40example.org"):
        served.ask(get(ADDRESS % address))
    served.ask(get("/mail/config-v1.1.xml"))
    served.wait_for_log('"method"', 4)
    first, again, other, without = records(served)
    assert first["hash"] == again["hash"] != other["hash"]
    assert re.fullmatch("[0-9a-f]{16}", first["hash"]) and first["domain"] == "example.org"
    assert "hash" not in without and without["domain"] is None
    assert "first.last" not in served.log().lower()
    assert served.ctl("log-hash", "FIRST.last@example.org").stdout == first["hash"] + "\n"
    assert json.loads(served.ctl("--json", "log-hash", "other@example.org").stdout) == {
        "address": "other@example.org", "hash": other["hash"]}
    assert "is not a mail address" in served.ctl("log-hash", "nobody", check=False).stderr


@pytest.mark.parametrize("at", ["@", "%40", "%2540", "%252540"])
def test_address_in_path_or_host(served, at):
    """However often it was escaped; the log shows what stands before it."""
    served.settings["log"]["format"] = "json"
    served.start()
    address = f"first.last{at}example.org"
    for count, host in enumerate(("autoconfig.example.org", address), 1):
        served.ask(f"GET /x/{address} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        served.wait_for_log('"method"', count)
    assert [(record["host"], record["path"]) for record in records(served)] == [
        ("autoconfig.example.org", "/x/..."), ("...", "/x/...")]
    assert "first.last" not in served.log()


def test_logins_are_never_logged(served):
    served.ctl("user", "add", "first.last@example.org", "secret4711")
    served.settings["log"].update(level="debug", addresses="full")
    served.start()
    assert b"secret4711" in served.ask(get(ADDRESS % "first.last%40example.org")).body
    served.wait_for_log("outcome=settings")
    assert "secret4711" not in served.log()


@pytest.mark.parametrize("slow, level", [("1ms", "warning"), ("0", "info")])
def test_slow_answers_are_warnings(served, slow, level):
    """A request whose body comes late is slow: the time runs from its first line. On a busy machine the
    daemon may not be there to see that line before the body comes, so it may come later still."""
    served.settings["log"].update(format="json", slow=slow)
    served.start()
    connection = served.connect()
    for i, pause in enumerate((0.02, 0.2, 2)):
        connection.send(b"POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: autodiscover.example.org\r\n"
                        b"Content-Type: text/xml\r\nContent-Length: 4\r\n\r\n<a")
        time.sleep(pause)
        connection.send(b"/>")
        connection.receive()
        served.wait_for_log('"method"', i + 1)
        if records(served)[i]["level"] == "warning":
            break
    assert records(served)[-1]["level"] == level


def test_errors_that_repeat_are_counted(served):
    served.start()
    with sqlite3.connect(served.settings["database"]["file"]) as database:
        database.execute("UPDATE service SET authentications = 'nonsense'")
    time.sleep(0.1)
    for _ in range(5):
        assert served.ask(get("/mail/config-v1.1.xml")).status == 500
    served.wait_for_log("outcome=broken-data", 5)
    assert served.log().count("error: protocol=autoconfig") == 1
    served.stop()
    assert "(4 more times within 60 s)" in served.log()
