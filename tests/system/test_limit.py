"""The bound on how many different addresses one network may ask for."""
import re

import pytest

SERVICES = ("imaps://imap.example.org", "submissions://smtp.example.org")
REACHED = "asks for more than"


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
    daemon.ctl("domain", "add", "example.org", *SERVICES)
    for i in range(20):
        daemon.ctl("user", "add", f"{user(i)}@example.org", f"x{i}")
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
    assert f"network 127.0.0.2 {REACHED} 5 different addresses" in served.log()


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
