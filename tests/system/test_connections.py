"""The limits on connections and TLS handshakes: of all clients together, and of one network."""
import os
import re
import select
import socket
import ssl
import subprocess
import time
import urllib.request

import pytest

import tls_records
from daemon import PATIENCE, Connection, free_port

pytestmark = pytest.mark.sanitize

CONFIG = b"GET /mail/config-v1.1.xml HTTP/1.1\r\nHost: autoconfig.example.org\r\n\r\n"


@pytest.fixture
def served(daemon):
    """With one thread, so that a network's share is a quarter of 16 connections."""
    daemon.setup(["domain", "add", "example.org", "imaps://imap.example.org", "submissions://smtp.example.org"])
    daemon.settings["server"]["threads"] = 1
    daemon.settings["metrics"] = {"listen": f"127.0.0.1:{free_port()}"}
    daemon.settings["limits"].update({"connections": 16, "trusted": "127.0.0.1", "idle-timeout": "3600s",
                                      "handshake-timeout": "300s"})
    return daemon


def metric(daemon, name):
    page = urllib.request.urlopen(f"http://{daemon.settings['metrics']['listen']}/metrics").read().decode()
    found = re.search(rf"^{re.escape(name)} (\d+)$", page, re.MULTILINE)
    return int(found.group(1)) if found else 0


def wait_for_metric(daemon, name, value):
    deadline = time.monotonic() + PATIENCE
    while metric(daemon, name) != value:
        assert time.monotonic() < deadline, f"{name} is {metric(daemon, name)}, not {value}"
        time.sleep(0.01)


def is_open(connection):
    if not select.select([connection], [], [], 0)[0]:
        return True
    try:
        return connection.recv(1, socket.MSG_PEEK) != b""
    except ConnectionError:
        return False


def accepted(daemon, source, count):
    """So many silent connections, each accepted before the next."""
    before, connections = metric(daemon, "mailconfd_connections"), []
    for _ in range(count):
        connections.append(tls_records.connect(daemon.port, source))
        wait_for_metric(daemon, "mailconfd_connections", before + len(connections))
    return connections


def test_a_network_loses_what_waits_longest(served):
    served.start()
    first, second, third = accepted(served, "127.0.0.2", 3)
    speaking = served.connect(source="127.0.0.2")
    others = accepted(served, "127.0.0.3", 4)
    assert speaking.ask(CONFIG).status == 200
    fifth = tls_records.connect(served.port, "127.0.0.2")
    assert tls_records.is_closed(first)
    assert is_open(second) and is_open(third) and is_open(fifth)
    # The next ones close the rest of the silent ones, not the one that asked after them.
    sixth, seventh = (tls_records.connect(served.port, "127.0.0.2") for _ in range(2))
    assert tls_records.is_closed(second) and tls_records.is_closed(third)
    assert speaking.ask(CONFIG).status == 200
    assert all(map(is_open, (fifth, sixth, seventh, *others)))
    assert served.connect(source="127.0.0.4").ask(CONFIG).status == 200
    assert metric(served, "mailconfd_connections_closed_total") == 3
    assert metric(served, 'mailconfd_tls_handshakes_failed_total{reason="connection-limit"}') == 3
    served.stop()
    assert served.log().count('connection closed: client="127.0.0.2" reason=connection-limit') == 1
    assert 'connection limit: client="127.0.0.2" closed=2 period=60s' in served.log()


def test_an_idle_connection_waits_too(served):
    """One that was answered an hour ago gives way before a handshake that has just begun."""
    served.start()
    idle = served.connect(source="127.0.0.2")
    assert idle.ask(CONFIG).status == 200
    wait_for_metric(served, "mailconfd_connections", 1)
    silent = accepted(served, "127.0.0.2", 3)
    silent.append(tls_records.connect(served.port, "127.0.0.2"))
    assert idle.is_closed()
    assert all(map(is_open, silent))


@pytest.fixture
def sites():
    """Addresses of this machine: of two subnets of one /48, and of another /48."""
    if os.geteuid() != 0:
        pytest.skip("only root adds addresses")
    if not os.path.exists("/proc/net/if_inet6"):
        pytest.skip("this machine has no IPv6")
    addresses = "2001:db8:7::1", "2001:db8:7:ff00::1", "2001:db8:8::1"
    for each in addresses:
        subprocess.run(["ip", "address", "add", each, "dev", "lo", "nodad"], check=True)
    yield addresses
    for each in addresses:
        subprocess.run(["ip", "address", "delete", each, "dev", "lo"], check=True)


def test_an_ipv6_site_has_one_share(served, sites):
    """All addresses of a /48 count together, those of another /48 apart; so does each IPv4 address at the same listener."""
    first_subnet, other_subnet, other_site = sites
    served.settings["server"]["listen-https"] = f"[::]:{served.port}"
    served.start()
    others = accepted(served, other_site, 4)
    first, *rest = accepted(served, first_subnet, 2) + accepted(served, other_subnet, 2)
    assert all(map(is_open, (first, *rest, *others)))
    rest.append(tls_records.connect(served.port, other_subnet))
    assert tls_records.is_closed(first)
    wait_for_metric(served, "mailconfd_connections", 8)
    rest += accepted(served, "127.0.0.2", 2) + accepted(served, "127.0.0.3", 3)
    assert all(map(is_open, (*rest, *others)))
    assert metric(served, "mailconfd_connections_closed_total") == 1
    assert 'connection closed: client="2001:db8:7::/48" reason=connection-limit' in served.log()


def test_trusted_networks_and_proxies_have_no_share(served, tmp_path):
    path, port = tmp_path / "s", free_port()
    served.settings["server"].update({"behind-proxy": f"unix:{path} 127.0.0.1:{port}",
                                      "trusted-proxies": "127.0.0.2"})
    served.settings["limits"]["connections"] = 48
    served.start()
    unix = []
    for _ in range(6):
        unix.append(socket.socket(socket.AF_UNIX))
        unix[-1].connect(str(path))
    kept = unix + [tls_records.connect(served.port, "127.0.0.1") for _ in range(6)]
    kept += [tls_records.connect(port, "127.0.0.2") for _ in range(14)]
    wait_for_metric(served, "mailconfd_connections", 26)
    assert all(map(is_open, kept)) and metric(served, "mailconfd_connections_closed_total") == 0


def test_the_share_is_a_setting(served):
    served.settings["limits"]["connections-per-network"] = "50%"
    served.start()
    silent = accepted(served, "127.0.0.2", 8)
    assert all(map(is_open, silent))
    served.settings["limits"]["connections-per-network"] = "100%"
    served.write_settings()
    served.reload()
    silent += accepted(served, "127.0.0.2", 4)
    assert all(map(is_open, silent)) and metric(served, "mailconfd_connections_closed_total") == 0


def test_a_flood_of_one_network_holds_its_share(served):
    served.settings["limits"]["connections"] = 400
    served.start()
    idle, flood = served.open_descriptors(), []
    for _ in range(900):
        flood.append(tls_records.connect(served.port, "127.0.0.2"))
        if len(flood) % 100 == 0:
            assert served.connect(source="127.0.0.3").ask(CONFIG).status == 200
    wait_for_metric(served, "mailconfd_connections_closed_total", 800)
    deadline = time.monotonic() + PATIENCE
    while served.open_descriptors() > idle + 115:
        assert time.monotonic() < deadline, served.open_descriptors()
        time.sleep(0.01)
    assert sum(map(is_open, flood)) == 100


def test_each_address_has_a_share_of_its_own(served):
    """One network cannot take all connections of an address, however many others there are."""
    ports = [served.port, *(free_port() for _ in range(3))]
    served.settings["server"]["listen-https"] = " ".join(f"127.0.0.1:{port}" for port in ports)
    served.settings["limits"]["connections"] = 64
    served.start()
    flood = [tls_records.connect(served.port, "127.0.0.2") for _ in range(16)]
    wait_for_metric(served, "mailconfd_connections_closed_total", 12)
    assert served.connect(source="127.0.0.3").ask(CONFIG).status == 200
    elsewhere = [tls_records.connect(ports[1], "127.0.0.2") for _ in range(4)]
    wait_for_metric(served, "mailconfd_connections", 8)
    assert sum(map(is_open, flood)) == 4 and all(map(is_open, elsewhere))


def refusal(daemon, source):
    """The alert that a handshake ends with, None where it does not."""
    try:
        daemon.connect(source=source).close()
    except ssl.SSLError as error:
        return error.reason
    return None


def test_handshakes_are_charged(served):
    """A handshake takes a token, which pays for the first request too."""
    served.settings["limits"].update({"connections-per-network": "100%", "requests-per-second": 1, "requests-at-once": 20})
    served.start()
    started = time.monotonic()
    refused = [refusal(served, "127.0.0.2") for _ in range(60)]
    seconds = int(time.monotonic() - started) + 1
    count = refused.count("TLSV1_ALERT_INTERNAL_ERROR")
    assert refused[:20] == [None] * 20 and 40 - seconds <= count <= 40 and refused.count(None) == 60 - count
    assert refusal(served, "127.0.0.3") is None
    assert [refusal(served, "127.0.0.1") for _ in range(30)] == [None] * 30, "trusted"
    wait_for_metric(served, 'mailconfd_tls_handshakes_failed_total{reason="rate-limit"}', count)
    connection = served.connect(source="127.0.0.4")
    assert [connection.ask(CONFIG).status for _ in range(20)] == [200] * 20
    assert connection.ask(CONFIG).status in (200, 429)
    connection.close()
    served.stop()
    assert served.log().count('TLS handshake refused: client="127.0.0.2" reason=rate-limit') == 1
    assert f'rate limit: client="127.0.0.2" refused={count - 1} period=60s' in served.log()


def test_a_second_client_hello_is_not_charged(served, tmp_path):
    """A client whose first key share is not wanted sends two for one handshake."""
    served.settings["limits"].update({"requests-per-second": 1, "requests-at-once": 4})
    served.start()
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{served.port}", "-bind", "127.0.0.2:0", "-tls1_3",
               "-groups", "P-384:X25519", "-servername", "autoconfig.example.org", "-msg"]
    started, passed = time.monotonic(), 0
    while True:
        done = subprocess.run(command, input=b"", capture_output=True, check=False, timeout=PATIENCE)
        if done.returncode != 0:
            break
        assert done.stdout.count(b"ClientHello") == 2
        passed += 1
    assert b"ServerHello" not in done.stdout, "it is refused before the key exchange"
    assert 4 <= passed <= 5 + time.monotonic() - started


def test_too_few_descriptors_are_warned_of(served):
    served.settings["limits"]["connections"] = 400
    served.descriptors = 300
    served.start()
    found = re.search(r"warning: the limit of 300 open files leaves room for (\d+) connections, fewer than "
                      r"\[limits\] connections = 400; raise it to (\d+) \(LimitNOFILE=", served.log())
    assert int(found.group(1)) < 300 and int(found.group(2)) == 400 + 300 - int(found.group(1))
    served.stop()
    served.descriptors = int(found.group(2))
    served.start()
    assert served.log().count("open files leaves room") == 1


def test_beyond_the_limit_connections_wait(served):
    served.settings["limits"]["connections-per-network"] = "100%"
    served.start()
    silent = accepted(served, "127.0.0.2", 16)
    waiting = Connection(served.port, source="127.0.0.3")
    assert is_open(waiting.socket) and metric(served, "mailconfd_connections") == 16
    for connection in silent:
        connection.close()
    waiting.socket = served.context().wrap_socket(waiting.socket, server_hostname="autoconfig.example.org")
    assert waiting.ask(CONFIG).status == 200
