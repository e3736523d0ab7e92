"""The limit on how many different addresses one network may ask for within an hour."""
import re

import pytest

from daemon import UnixConnection

SERVICES = ("imaps://imap.example.org", "submissions://smtp.example.org")
REACHED = "address limit reached"


def autoconfig(local):
    return (
        f"GET /mail/config-v1.1.xml?emailaddress={local}%40example.org HTTP/1.1\r\n"
        "Host: autoconfig.example.org\r\n\r\n"
    ).encode()


def mobileconfig(local):
    return (
        f"GET /mobileconfig?emailaddress={local}%40example.org HTTP/1.1\r\n"
        "Host: autoconfig.example.org\r\n\r\n"
    ).encode()


def outlook(local):
    body = (
        f"<Autodiscover><Request><EMailAddress>{local}@example.org</EMailAddress>"
        "</Request></Autodiscover>"
    )
    return (
        "POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: autodiscover.example.org\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


# All of one length, so that answers that have the address in them are as long.
def user(i):
    return f"u{i:02}"


def stranger(i):
    return f"n{i:02}"


class Client:
    """Asks from one address, each time over a connection of its own, so that all workers count."""

    def __init__(self, daemon, source):
        self.daemon = daemon
        self.source = source

    def __call__(self, question, local):
        connection = self.daemon.connect(source=self.source)
        try:
            response = connection.ask(question(local))
        finally:
            connection.close()
        raw = re.sub(rb"\r\nDate: [^\r]*", b"", response.raw)
        return raw.replace(local.encode(), b"WHO")


@pytest.fixture
def served(daemon):
    """Users u00 to u19 with the logins x0 to x19; everybody else has the pattern."""
    daemon.settings["limits"] = {"addresses-per-network": "5", "trusted": ""}
    daemon.setup(["domain", "add", "example.org", *SERVICES],
                 *(["user", "add", f"{user(i)}@example.org", f"x{i}"] for i in range(20)))
    return daemon


def has_login(answer, i):
    return f">x{i}<".encode() in answer


@pytest.mark.parametrize("question", [autoconfig, outlook])
def test_beyond_the_bound_known_and_unknown_are_the_same(served, question):
    served.start()
    ask = Client(served, "127.0.0.2")
    for i in range(5):
        assert has_login(ask(question, user(i)), i)
    unknown = ask(question, stranger(99))
    for i in range(5, 20):
        assert ask(question, user(i)) == unknown
    for i in range(5):
        assert has_login(ask(question, user(i)), i)  # as before
    other = Client(served, "127.0.0.3")
    assert other(question, stranger(99)) == unknown
    assert has_login(other(question, user(19)), 19)
    assert served.log().count(REACHED) == 1
    assert f'{REACHED}: client="127.0.0.2" limit=5 period=1h' in served.log()


def test_unknown_addresses_count_as_known_ones_do(served):
    served.start()
    ask = Client(served, "127.0.0.2")
    for i in range(4):
        ask(autoconfig, stranger(i))
    assert has_login(ask(autoconfig, user(1)), 1)
    assert not has_login(ask(autoconfig, user(2)), 2)


def test_who_asks_often_for_few_never_reaches_it(served):
    served.start()
    ask = Client(served, "127.0.0.2")
    for _ in range(40):
        for i in range(5):
            assert has_login(ask(autoconfig, user(i)), i)
    assert REACHED not in served.log()


def test_all_documents_count_together(served):
    served.start()
    ask = Client(served, "127.0.0.2")
    for i, question in enumerate((autoconfig, outlook, mobileconfig, autoconfig, outlook)):
        assert f">x{i}<".encode() in ask(question, user(i))
    for question in (autoconfig, outlook, mobileconfig):
        assert b">x5<" not in ask(question, user(5))


def test_questions_without_an_address_and_of_strangers_do_not_count(served):
    served.start()
    ask = Client(served, "127.0.0.2")
    request = b"GET /mail/config-v1.1.xml HTTP/1.1\r\nHost: autoconfig.example.org\r\n\r\n"
    for i in range(10):
        ask(lambda _: request, "")
        ask(lambda _, i=i: autoconfig("u").replace(b"example.org HTTP", b"example.net HTTP"), user(i))
    for i in range(5):
        assert has_login(ask(autoconfig, user(i)), i)


@pytest.mark.parametrize("question", [autoconfig, outlook])
def test_refusals_beyond_the_bound_tell_nothing(served, question):
    """Where unknown users are refused, known ones are so, too, once the bound is reached."""
    served.ctl("provider", "set", "example.org", "--unknown-users=refuse")
    served.start()
    ask = Client(served, "127.0.0.2")
    refusal = ask(question, stranger(99))
    for i in range(4):
        assert has_login(ask(question, user(i)), i)
    for i in range(5, 20):
        assert ask(question, user(i)) == refusal == ask(question, stranger(i))


def test_people_with_a_provider_of_their_own_look_like_all_others(served):
    served.ctl("provider", "add", "other", "imaps://other.example.org",
               "submissions://other.example.org", "--show-names=yes")
    served.ctl("user", "set", "u05@example.org", "--provider=other", "--name=Some One")
    served.ctl("user", "set", "u06@example.org", "--moved-to=u06@example.net")
    served.start()
    ask = Client(served, "127.0.0.2")
    for i in range(5):
        ask(outlook, stranger(i))
    unknown = ask(outlook, stranger(99))
    assert ask(outlook, user(5)) == ask(outlook, user(6)) == unknown


def test_loopback_is_trusted_unless_the_settings_say_otherwise(served):
    del served.settings["limits"]["trusted"]
    served.start()
    ask = Client(served, "127.0.0.2")
    for i in range(20):
        assert has_login(ask(autoconfig, user(i)), i)
    assert REACHED not in served.log()


def test_a_reload_applies_the_bound_and_the_trust(served):
    served.start()
    ask = Client(served, "127.0.0.2")
    for i in range(6):
        ask(autoconfig, user(i))
    assert not has_login(ask(autoconfig, user(5)), 5)
    served.settings["limits"]["trusted"] = "192.0.2.1 127.0.0.2"
    served.write_settings()
    served.reload()
    assert has_login(ask(autoconfig, user(5)), 5)
    served.settings["limits"] = {"addresses-per-network": "6", "trusted": ""}
    served.write_settings()
    served.reload()
    assert has_login(ask(autoconfig, user(5)), 5)
    assert not has_login(ask(autoconfig, user(6)), 6)
    served.settings["limits"]["addresses-per-network"] = "0"
    served.write_settings()
    served.reload()
    for i in range(20):
        assert has_login(ask(autoconfig, user(i)), i)


ATTACKED = 4950  # users whose logins an audit tried to learn


@pytest.fixture
def behind(daemon):
    """As from a reverse proxy, whose clients have any address; with so many users."""
    daemon.settings["server"]["behind-proxy"] = f"unix:{daemon.directory / 'proxy'}"
    daemon.settings["limits"]["requests-per-second"] = "0"
    daemon.ctl("domain", "add", "example.org", *SERVICES)
    batch = daemon.directory / "batch"
    batch.write_text("".join(f"user add v{i}@example.org x{i}\n" for i in range(ATTACKED)))
    daemon.ctl("batch", batch)
    return daemon.start()


def learned(daemon, addresses_of):
    """How many logins are learned by asking as each client for the users that addresses_of yields for it."""
    connection = UnixConnection(daemon.directory / "proxy")
    count = 0
    for client, number in addresses_of:
        request = (
            f"GET /mail/config-v1.1.xml?emailaddress=v{number}%40example.org HTTP/1.1\r\n"
            f"Host: autoconfig.example.org\r\nX-Forwarded-For: {client}\r\n\r\n"
        )
        count += f">x{number}<".encode() in connection.ask(request.encode()).body
    connection.close()
    return count


@pytest.mark.parametrize("client, full, count", [
    ("2001:db8:7:{}00::1", '"2001:db8:7::/48" limit=2000', 2000),  # as in the audit: 11 /64 of one /48
    ("2001:db8:7:{}::1", '"2001:db8:7::/56" limit=1000', 1000),
    ("192.0.2.{}", '"192.0.2.0/24" limit=2000', 2000),
])
def test_a_site_does_not_learn_all_logins(behind, client, full, count):
    per_client = ATTACKED // 11
    asked = ((client.format(number // per_client), number) for number in range(ATTACKED))
    assert learned(behind, asked) == count
    assert behind.log().count(f"{REACHED}: client={full} period=1h") == 1
    assert behind.log().count(REACHED) == 1, "no client reached its own limit"
    assert learned(behind, [("2001:db8:8::1", 0), ("192.0.3.1", 1)]) == 2, "others are not concerned"
