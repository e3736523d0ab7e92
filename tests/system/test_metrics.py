"""What a program that watches the daemon sees: counters of what was really done, and its health."""
import json
import os
import re
import shutil
import socket
import sqlite3
import ssl
import subprocess
import time

import pytest

from conftest import ROOT
from daemon import NAMES, PATIENCE, Connection, UnixConnection, free_port
from test_notify import hang

CONFIG = "/mail/config-v1.1.xml"
ADDRESS = CONFIG + "?emailaddress=first.last%40example.org"
POX = "/autodiscover/autodiscover.xml"


@pytest.fixture
def watched(daemon):
    daemon.setup(
        ["domain", "add", "example.org", "imaps://imap.example.org", "submissions://smtp.example.org"],
        ["user", "add", "first.last@example.org", "a4711"],
    )
    daemon.metrics_port = free_port()
    daemon.settings["metrics"] = {"listen": f"127.0.0.1:{daemon.metrics_port}"}
    return daemon


def monitor(daemon, target="/metrics", method="GET", connection=None):
    connection = connection or Connection(daemon.metrics_port)
    try:
        return connection.ask(f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    finally:
        connection.close()


SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\.)*",?)*)\})? (\S+)')


def samples(daemon):
    """Of /metrics, read strictly: {(name, frozenset of labels): value}."""
    text = monitor(daemon).body.decode()
    assert text.endswith("\n# EOF\n")
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        match = SAMPLE.fullmatch(line)
        assert match, line
        labels = frozenset(re.findall(r'([a-z]+)="((?:[^"\\\n]|\\.)*)"', match.group(2) or ""))
        assert (match.group(1), labels) not in found
        found[match.group(1), labels] = float(match.group(3))
    return found


def values(daemon, metric, **labels):
    """All samples of the name that have at least these labels, summed up."""
    return sum(
        value for (n, have), value in samples(daemon).items()
        if n == f"mailconfd_{metric}" and set(labels.items()) <= have
    )


def wait_for(daemon, wanted, metric, **labels):
    """The daemon counts a request or a handshake once it is over, which may be after its answer."""
    deadline = time.monotonic() + PATIENCE
    while values(daemon, metric, **labels) != wanted and time.monotonic() < deadline:
        time.sleep(0.02)
    assert values(daemon, metric, **labels) == wanted, monitor(daemon).body.decode()


def ask(daemon, target=CONFIG, program="curl/7.88.1", method="GET"):
    head = f"{method} {target} HTTP/1.1\r\nHost: autoconfig.example.org\r\nUser-Agent: {program}\r\n"
    return daemon.ask(f"{head}\r\n".encode())


def test_requests(watched):
    watched.start()
    for _ in range(3):
        assert ask(watched, ADDRESS, "Mozilla/5.0 Thunderbird/128.0").status == 200
    for _ in range(2):
        assert ask(watched, CONFIG, "Evolution/3.46").status == 200
    assert ask(watched, CONFIG + "?emailaddress=a%40unknown.example").status in (200, 404)
    assert ask(watched, "/nothing").status == 404
    assert ask(watched, POX, method="PUT").status == 405
    requests = lambda wanted, **labels: wait_for(watched, wanted, "requests_total", **labels)
    requests(8)
    requests(3, protocol="autoconfig", program="thunderbird", outcome="settings")
    requests(2, protocol="autoconfig", program="evolution", outcome="settings")
    requests(1, protocol="none", program="script", outcome="not-found")
    requests(1, protocol="none", program="script", outcome="method-not-allowed")
    requests(0, outcome="other")
    requests(0, protocol="other")
    assert values(watched, "database_lookups_total", result="found") >= 5
    assert values(watched, "rate_limited_requests_total") == 0
    assert values(watched, "answer_duration_seconds_count") == 8
    assert values(watched, "answer_duration_seconds_bucket", protocol="autoconfig", le="+Inf") == 6
    assert 0 < values(watched, "answer_duration_seconds_sum", protocol="autoconfig") < 6 * PATIENCE


def test_two_programs_of_one_name_are_one(watched):
    watched.start()
    for program in "curl/7.88.1", "Wget/1.21", "python-requests/2.28":
        ask(watched, program=program)
    wait_for(watched, 3, "requests_total", program="script")


def test_handshakes_that_succeed(watched):
    watched.start()
    old = watched.context()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    for context in old, watched.context():
        first = watched.connect(context=context)
        first.ask(f"GET {CONFIG} HTTP/1.1\r\nHost: autoconfig.example.org\r\n\r\n".encode())
        session = first.socket.session
        first.close()
        again = socket.create_connection(("127.0.0.1", watched.port), PATIENCE)
        again = context.wrap_socket(again, server_hostname="autoconfig.example.org", session=session)
        assert again.session_reused
        again.sendall(f"GET {CONFIG} HTTP/1.1\r\nHost: autoconfig.example.org\r\n\r\n".encode())
        assert again.recv(12) == b"HTTP/1.1 200"
        again.close()
    for version in "1.2", "1.3":
        for kind in "full", "resumed":
            wait_for(watched, 1, "tls_handshakes_total", version=version, session=kind)
    wait_for(watched, 0, "connections")
    assert values(watched, "tls_handshakes_failed_total") == 0


def refuse_certificate(daemon, version):
    """As a client that reads everything before it rejects it; otherwise the connection can end before the alert arrives."""
    context = ssl.create_default_context()
    context.minimum_version = context.maximum_version = version
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_hostname="autoconfig.example.org")
    connection = socket.create_connection(("127.0.0.1", daemon.port), PATIENCE)
    while True:
        try:
            session.do_handshake()
        except ssl.SSLWantReadError:
            connection.sendall(outgoing.read())
            incoming.write(connection.recv(65536))
        except ssl.SSLCertVerificationError:
            break
    connection.sendall(outgoing.read())
    while connection.recv(65536):
        pass
    connection.close()


def test_handshakes_that_fail(watched):
    watched.settings["limits"]["handshake-timeout"] = "1s"
    watched.start()
    failed = lambda reason: wait_for(watched, 1, "tls_handshakes_failed_total", reason=reason)

    with pytest.raises(ssl.SSLError):
        watched.connect("unknown.example")
    failed("unknown-name")

    # The certificate is ECDSA.
    rsa = watched.context()
    rsa.maximum_version = ssl.TLSVersion.TLSv1_2
    rsa.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
    with pytest.raises(ssl.SSLError):
        watched.connect(context=rsa)
    failed("no-certificate")

    # Clients that do not know the CA tell so, hidden in TLS 1.3.
    for count, version in enumerate((ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2), 1):
        refuse_certificate(watched, version)
        wait_for(watched, count, "tls_handshakes_failed_total", reason="alert")

    socket.create_connection(("127.0.0.1", watched.port), PATIENCE).close()
    failed("closed")

    plain = Connection(watched.port)
    plain.send(b"GET / HTTP/1.1\r\nHost: autoconfig.example.org\r\n\r\n")
    plain.is_closed()
    failed("protocol")

    silent = Connection(watched.port)
    assert silent.is_closed()
    failed("timeout")
    assert values(watched, "tls_handshakes_failed_total") == 7
    assert values(watched, "tls_handshakes_total") == 0
    wait_for(watched, 0, "connections")


def test_limits(watched):
    """Too many requests are refused, and too many addresses get no logins."""
    watched.settings["limits"].update(
        {"trusted": "", "requests-at-once": "6", "requests-per-second": "1", "addresses-per-network": "1"}
    )
    watched.start()
    assert b"a4711" not in ask(watched, CONFIG + "?emailaddress=other%40example.org").body
    assert b"a4711" not in ask(watched, ADDRESS).body
    wait_for(watched, 1, "logins_withheld_total")
    connection, request = watched.connect(), f"GET {CONFIG} HTTP/1.1\r\nHost: autoconfig.example.org\r\n\r\n".encode()
    statuses = [connection.ask(request).status for _ in range(7)]
    assert 429 in statuses
    wait_for(watched, statuses.count(429), "rate_limited_requests_total")
    assert values(watched, "requests_total", outcome="too-many-requests") == statuses.count(429)


def days_left(watched, name):
    return round(values(watched, "certificate_remaining_seconds", name=name) / 86400)


def test_certificates(watched):
    """One that another covers for all its names does not count, and of those served the first to expire does."""
    names = "mail.short.example", "x.short.example"
    watched.add_certificate("short", names[0], options=("--days", "5"))
    watched.add_certificate("long", *names, options=("--days", "9"))
    watched.start()
    assert days_left(watched, names[0]) == 9
    watched.add_certificate("short", names[0], options=("--days", "30"))
    watched.reload()
    assert days_left(watched, names[0]) == 9
    watched.add_certificate("long", *names, options=("--days", "40"))
    watched.reload()
    assert days_left(watched, names[0]) == 40
    assert values(watched, "certificate_remaining_seconds", name=NAMES[0]) > 0


def test_certificates_with_the_same_first_name(watched):
    """Each is served for a name that the other has not."""
    shared = "autoconfig.short.example"
    watched.add_certificate("a", shared, "autodiscover.short.example", options=("--days", "90"))
    watched.add_certificate("b", shared, "only-here.short.example", options=("--days", "3"))
    watched.start()
    assert days_left(watched, shared) == 3


def test_reload_and_build(watched):
    watched.start()
    assert values(watched, "last_reload_successful") == 1
    assert abs(values(watched, "start_time_seconds") - time.time()) < 2 * PATIENCE
    assert values(watched, "build_info") == 1
    watched.settings["server"]["nonsense"] = "1"
    watched.write_settings()
    watched.reload()
    assert values(watched, "last_reload_successful") == 0
    del watched.settings["server"]["nonsense"]
    watched.write_settings()
    watched.reload()
    assert values(watched, "last_reload_successful") == 1


def test_paths_and_methods(watched):
    watched.start()
    page = monitor(watched)
    assert page.status == 200
    assert page.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    head = monitor(watched, method="HEAD")
    assert (head.status, head.body) == (200, b"")
    for path in "/metrics", "/healthz", "/readyz":
        refused = monitor(watched, path, "POST")
        assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD")
    for path in "/", "/metrics/", CONFIG:
        assert monitor(watched, path).status == 404
    assert "server" not in page.headers
    for path in "/metrics", "/healthz", "/readyz":
        assert watched.get(path).status == 404


def test_health(watched):
    watched.start()
    for path, words in ("/healthz", b"alive\n"), ("/readyz", b"ready\n"):
        answer = monitor(watched, path)
        assert (answer.status, answer.body) == (200, words)
        assert monitor(watched, path, "HEAD").status == 200


def test_a_hanging_thread_is_not_alive(watched):
    watched.start()
    threads = sorted(map(int, os.listdir(f"/proc/{watched.process.pid}/task")))
    go_on = hang(threads[-2])  # the workers start before the monitor, which is the last
    try:
        answer, page = monitor(watched, "/healthz"), monitor(watched)
    finally:
        go_on()
    assert (answer.status, answer.body) == (503, b"A thread that answers hangs.\n")
    assert page.status == 200
    assert monitor(watched, "/healthz").status == 200


def test_ready_only_with_a_database(watched):
    """Whose secret is gone, as after a restore that went wrong; yet the threads are alive."""
    watched.start()
    assert monitor(watched, "/readyz").status == 200
    with sqlite3.connect(watched.directory / "mailconfd.db") as database:
        database.execute("ALTER TABLE secret RENAME TO gone")
    answer = monitor(watched, "/readyz")
    assert (answer.status, answer.body) == (503, b"The database cannot be read.\n")
    assert monitor(watched, "/healthz").status == 200
    with sqlite3.connect(watched.directory / "mailconfd.db") as database:
        database.execute("ALTER TABLE gone RENAME TO secret")
    assert monitor(watched, "/readyz").status == 200


def test_unix_socket(watched):
    path = watched.directory / "metrics.socket"
    watched.settings["metrics"]["listen"] = f"unix:{path}"
    watched.start()
    assert b"mailconfd_build_info" in monitor(watched, connection=UnixConnection(path)).body
    watched.stop()
    assert not path.exists()


def test_handed_socket(watched):
    """It is used instead of the setting's, and left open for who comes next."""
    handed = socket.create_server(("127.0.0.1", 0))
    watched.sockets.append(("metrics", handed))
    watched.metrics_port = handed.getsockname()[1]
    for _ in range(2):
        watched.start()
        assert values(watched, "build_info") == 1
        watched.stop()
    assert watched.log().count(f"listening for metrics on 127.0.0.1:{watched.metrics_port}, handed over") == 2


def test_ready_without_https(watched):
    """Where a proxy has the certificates there are none to load."""
    watched.settings["server"].update({"listen-https": "", "behind-proxy": f"127.0.0.1:{watched.port}"})
    watched.settings["tls"] = {}
    watched.start()
    assert monitor(watched, "/readyz").body == b"ready\n"
    assert Connection(watched.port).ask(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").status == 404


def test_more_clients_than_it_takes(watched):
    """Those who say nothing are closed in time, and others come."""
    watched.start()
    silent = [Connection(watched.metrics_port) for _ in range(20)]
    assert values(watched, "build_info") == 1
    for connection in silent:
        connection.close()


def test_off_by_default(watched):
    del watched.settings["metrics"]
    watched.start()
    assert "for metrics on" not in watched.log()
    with pytest.raises(ConnectionRefusedError):
        Connection(watched.metrics_port)


def test_open_port_is_warned_of(watched):
    watched.settings["metrics"]["listen"] = f"0.0.0.0:{watched.metrics_port}"
    watched.write_settings()
    checked = subprocess.run(watched.command("--check-config"), capture_output=True, text=True, check=True)
    assert "warning: [metrics] listen: 0.0.0.0:" in checked.stderr
    watched.start()
    assert "is not a loopback address: anyone who can connect to it sees" in watched.log()


def test_never_on_the_public_port(watched):
    watched.settings["metrics"]["listen"] = f"127.0.0.1:{watched.port}"
    watched.write_settings()
    result = subprocess.run(watched.command("--check-config"), capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "is taken by" in result.stderr


@pytest.fixture
def promtool():
    return shutil.which("promtool") or pytest.skip("there is no promtool; Debian has it in prometheus")


def test_promtool(watched, promtool):
    watched.start()
    ask(watched, ADDRESS, "Mozilla/5.0 Thunderbird/128.0")
    with pytest.raises(ssl.SSLError):
        watched.connect("unknown.example")
    wait_for(watched, 1, "tls_handshakes_failed_total")
    result = subprocess.run(
        [promtool, "check", "metrics"], input=monitor(watched).body, capture_output=True, check=False
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")


def printed_metrics(daemon):
    return dict(re.findall(r"# TYPE (\S+) (\S+)", monitor(daemon).body.decode()))


def test_manual_lists_every_metric(watched):
    watched.start()
    page = (ROOT / "data" / "man" / "mailconfd-operating.7").read_text()
    assert set(re.findall(r"^\.It Li (mailconfd_\w+)$", page, re.MULTILINE)) == set(printed_metrics(watched))


def test_dashboard_shows_what_there_is(watched):
    watched.start()
    dashboard = json.loads((ROOT / "packaging" / "grafana" / "mailconfd.json").read_text())
    known, shown = printed_metrics(watched), set()
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            names = re.findall(r"mailconfd_\w+", target["expr"])
            assert names, target
            for name in names:
                base = re.sub("_(bucket|sum|count)$", "", name)
                assert (base if known.get(base) == "histogram" else name) in known, name
                assert known.get(name) != "counter" or f"rate({name}" in target["expr"]
                shown.add(base)
    # When the last reload was is of use to alerts alone.
    assert set(known) - shown == {"mailconfd_last_reload_timestamp_seconds"}
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    assert len({(place["x"], place["y"]) for place in places}) == len(places)


def test_manual_has_a_picture_of_the_dashboard():
    page = (ROOT / "data" / "man" / "mailconfd-operating.7").read_text()
    picture = " ".join(page.partition("from ten minutes")[2].partition(".Ed")[0].split())
    dashboard = json.loads((ROOT / "packaging" / "grafana" / "mailconfd.json").read_text())
    # The titles of numbers stand side by side, over two lines.
    assert not [panel["title"] for panel in dashboard["panels"] if panel["type"] != "stat" and
                panel["title"] not in picture]
    words = picture.split()
    assert not [word for panel in dashboard["panels"] for word in panel["title"].split() if word not in words]


def test_dashboard_asks_what_prometheus_understands(promtool, tmp_path):
    dashboard = json.loads((ROOT / "packaging" / "grafana" / "mailconfd.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    rules = [{"record": f"asked:{number}", "expr": expr.replace("$__rate_interval", "5m")}
             for number, expr in enumerate(asked)]
    file = tmp_path / "rules.json"  # JSON is YAML
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    result = subprocess.run([promtool, "check", "rules", file], capture_output=True, text=True, check=False)
    assert result.returncode == 0 and f"{len(asked)} rules found" in result.stdout, result
    assert len(asked) > 15


def test_every_outcome_has_a_name():
    """Each outcome and protocol that the sources name is in the tables of the counters."""
    known = (ROOT / "src" / "observe" / "counters.c").read_text()
    found = set()
    for file in (ROOT / "src").rglob("*.c"):
        found |= set(re.findall(r'\.?(?:outcome|protocol) = ("[^"]+")', file.read_text()))
    assert len(found) > 6
    assert not [name for name in found if name not in known]


REQUESTED = "# Requested by mailconfctl from https://ca.example/dir: 'mailconfctl certificate renew' renews it.\n"


def test_certificates_of_removed_domains(watched):
    """What is not renewed on purpose alarms nobody; what somebody else put there is theirs to look after."""
    watched.setup(
        ["domain", "add", "gone.example", "--provider", "example.org"],
        ["domain", "add", "off.example", "--provider", "example.org"],
        ["domain", "add", "*.wild.example", "--provider", "example.org"],
        ["provider", "set", "example.org", "--public-name", "auto.brand.example"],
    )
    watched.settings["server"]["public-name"] = "auto.host.example"
    domains = "gone.example", "off.example", "a.wild.example", "auto.brand.example", "auto.host.example"
    for domain in domains:
        names = [domain] if domain.startswith("auto.") else [f"autoconfig.{domain}", f"autodiscover.{domain}"]
        watched.add_certificate(domain, *names, options=("--days", "9"))
        file = watched.directory / "certificates" / f"{domain}.pem"
        file.write_text(REQUESTED + file.read_text())
    watched.add_certificate("foreign", "autoconfig.foreign.example", options=("--days", "9"))

    def shown():
        return sorted(dict(labels)["name"] for (name, labels), _ in samples(watched).items()
                      if name == "mailconfd_certificate_remaining_seconds")

    watched.start()
    always = ["auto.brand.example", "auto.host.example", "autoconfig.foreign.example", NAMES[0]]
    assert shown() == sorted([*always, "autoconfig.gone.example", "autoconfig.off.example", "autoconfig.a.wild.example"])
    watched.setup(["domain", "remove", "gone.example"], ["domain", "disable", "off.example"],
                  ["domain", "remove", "*.wild.example"])
    assert shown() == sorted(always)
    watched.setup(["domain", "enable", "off.example"])
    assert shown() == sorted([*always, "autoconfig.off.example"])
