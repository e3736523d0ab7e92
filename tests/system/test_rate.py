"""The bound on a network's requests: who is beyond it, what it is told, and that its neighbours do not notice."""
import ssl
import threading
import time
import urllib.request

import pytest

from daemon import PATIENCE, UnixConnection, free_port

CONFIG = b"GET /mail/config-v1.1.xml HTTP/1.1\r\nHost: autoconfig.example.org\r\n\r\n"


@pytest.fixture
def served(daemon):
    daemon.setup(["domain", "add", "example.org", "imaps://imap.example.org", "submissions://smtp.example.org"])
    daemon.settings["limits"].update({"requests-per-second": 1, "requests-at-once": 5, "trusted": "127.0.0.1"})
    return daemon


def statuses(daemon, source, count, data=CONFIG):
    connection = daemon.connect(source=source)
    answers = [connection.ask(data) for _ in range(count)]
    connection.close()
    return [answer.status for answer in answers], answers[-1]


def test_refusal(served):
    served.start()
    before, last = statuses(served, "127.0.0.2", 6)
    assert before == [200] * 5 + [429]
    assert last.headers["retry-after"] == "1"
    assert last.headers["content-length"] == "0", "a body would be one more TLS record"
    assert statuses(served, "127.0.0.3", 5)[0] == [200] * 5, "the neighbour is another network"
    assert statuses(served, "127.0.0.1", 20)[0] == [200] * 20, "trusted"
    served.wait_for_log("outcome=too-many-requests status=429")
    assert "warning: client" not in served.log(), "held back is not slow"


def test_refusals_of_a_network_are_logged_once_and_counted(served):
    served.settings["metrics"] = {"listen": f"127.0.0.1:{free_port()}"}
    served.start()
    refused = statuses(served, "127.0.0.2", 9)[0].count(429)
    refused_too = statuses(served, "127.0.0.3", 6)[0].count(429)
    assert refused > 1 and refused_too > 0
    served.wait_for_log("outcome=too-many-requests", 2)
    page = urllib.request.urlopen(f"http://{served.settings['metrics']['listen']}/metrics").read().decode()
    assert f"mailconfd_rate_limited_requests_total {refused + refused_too}\n" in page, "each is in the metrics"
    served.stop()
    lines = [line for line in served.log().splitlines() if "status=429" in line]
    assert ["127.0.0.2" in line for line in lines] == [True, False]
    assert f'rate limit: client="127.0.0.2" refused={refused - 1} period=60s' in served.log()


def is_answered(daemon, source):
    """Beyond the limit the TLS handshake is refused."""
    try:
        return statuses(daemon, source, 1)[0] == [200]
    except ssl.SSLError:
        return False


def test_it_is_over_when_time_has_passed(served):
    served.start()
    assert statuses(served, "127.0.0.2", 6)[0][-1] == 429
    deadline = time.monotonic() + PATIENCE
    while not is_answered(served, "127.0.0.2"):
        assert time.monotonic() < deadline


def test_bodies_are_read_and_dropped(served):
    served.start()
    body = b"<a/>" * 1000
    post = (b"POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: autodiscover.example.org\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body)) + body
    assert statuses(served, "127.0.0.2", 7, post)[0] == [200] * 5 + [429] * 2


def test_bodies_that_are_too_large_count_as_others_do(served):
    """Beyond the bound it is that which is said, with the connection closed, for the body is not read."""
    served.start()
    post = (b"POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: autodiscover.example.org\r\n"
            b"Content-Length: 999999\r\n\r\n")
    for _ in range(5):
        connection = served.connect(source="127.0.0.2")
        assert connection.ask(post).status == 413
        connection.close()
    assert not is_answered(served, "127.0.0.2")
    connection = served.connect(source="127.0.0.3")
    assert [connection.ask(CONFIG).status for _ in range(5)] == [200] * 5
    answer = connection.ask(post)
    assert (answer.status, answer.headers["retry-after"], answer.headers["connection"]) == (429, "1", "close")
    served.stop()
    assert served.log().count("status=413") == 5


def test_no_bound(served):
    served.settings["limits"]["requests-per-second"] = 0
    served.start()
    assert statuses(served, "127.0.0.2", 30)[0] == [200] * 30
    served.settings["limits"]["requests-per-second"] = 1
    served.write_settings()
    served.reload()
    assert 429 in statuses(served, "127.0.0.2", 10)[0]


def test_behind_a_proxy_its_clients_count(served, tmp_path):
    path = tmp_path / "s"
    served.settings["server"]["behind-proxy"] = f"unix:{path}"
    served.start()

    def ask(client):
        connection = UnixConnection(path)
        answer = connection.ask(CONFIG[:-2] + b"X-Forwarded-For: " + client + b"\r\n\r\n")
        connection.close()
        return answer.status

    assert [ask(b"192.0.2.1") for _ in range(6)] == [200] * 5 + [429]
    assert ask(b"192.0.2.2") == 200


def test_wider_networks_have_a_limit_too(served, tmp_path):
    """Clients of one /64 each: a /56 gets twice as many requests, a /48 four times as many."""
    path = tmp_path / "s"
    served.settings["server"]["behind-proxy"] = f"unix:{path}"
    served.start()
    connection = UnixConnection(path)

    def ask(client):
        return connection.ask(CONFIG[:-2] + f"X-Forwarded-For: {client}\r\n\r\n".encode()).status

    def admitted(form):
        """How many clients make their only request before one is refused."""
        for count in range(1, 256):
            if ask(form.format(count)) == 429:
                return count - 1
        raise AssertionError("none was refused")

    assert admitted("2001:db8:0:{:x}::1") >= 10
    assert admitted("2001:db8:0:{:x}01::1") >= 10
    admitted("2001:db8:0:{:x}02::1")
    assert admitted("192.0.2.{}") >= 20
    assert ask("2001:db8:1::1") == ask("192.0.3.1") == 200
    served.stop()
    lines = [line for line in served.log().splitlines() if "status=429" in line]
    for line, client in zip(lines, ("2001:db8::/56", "2001:db8::/48", "192.0.2.0/24"), strict=True):
        assert f'client="{client}"' in line
    assert 'rate limit: client="2001:db8::/48" refused=1 period=60s' in served.log()


def test_who_repeats_for_ever_is_slowed(served):
    """A program that asks again at once, as one lookup tool does after a 404, gets through at the rate alone; the
    bound below is what the settings allow in the time that really passed."""
    served.settings["limits"].update({"requests-per-second": 5, "requests-at-once": 5})
    served.start()
    connection = served.connect(source="127.0.0.2")
    started, count = time.monotonic(), 0
    while time.monotonic() < started + 2:
        connection.ask(CONFIG.replace(b"/mail/config-v1.1.xml", b"/nothing"))
        count += 1
    passed = time.monotonic() - started
    connection.close()
    assert count <= 5 + 5 * passed + passed / 0.8 + 1
    assert statuses(served, "127.0.0.3", 5)[0] == [200] * 5


def test_stop_does_not_wait_for_who_is_held(served):
    served.settings["limits"]["requests-at-once"] = 20
    served.start()
    connections = [served.connect(source="127.0.0.2") for _ in range(20)]
    assert [connection.ask(CONFIG).status for connection in connections] == [200] * 20
    threads = [threading.Thread(target=connection.send, args=(CONFIG,)) for connection in connections]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    served.stop()
    for connection in connections:
        connection.close()
