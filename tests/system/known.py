"""Questions about people who have a row and people who have none, asked in turns."""
import hashlib
import random
import re
import sqlite3
import statistics
import time

DOMAIN = "example.org"
ALIAS = "example.net"

# All names are of one length, and so are logins and what the pattern makes of a name.
KNOWN, UNKNOWN = "k", "u"


def name(kind, number):
    return f"{kind}{number:06}"


def login(number):
    return f"x{number:06}"


def fill(daemon, count, *options):
    """So many users, in a domain that has an alias and ActiveSync, with the provider's options."""
    daemon.ctl(
        "domain", "add", DOMAIN, "imaps://imap.example.org", "submissions://smtp.example.org",
        "activesync+https://eas.example.org/x", "--login=%EMAILLOCALPART%", *options,
    )
    daemon.ctl("domain", "add", ALIAS, f"--alias-of={DOMAIN}")
    database = sqlite3.connect(daemon.settings["database"]["file"])
    with database:
        database.executemany(
            "INSERT INTO user (domain, local, login) VALUES (?, ?, ?)",
            ((DOMAIN, name(KNOWN, i), login(i)) for i in range(count)),
        )
    database.close()
    daemon.ctl("provider", "set", DOMAIN, "--md5-lookup=yes")  # which finds the users above


def give_everybody_a_provider(daemon, *options):
    """One that is not the domain's."""
    daemon.ctl("provider", "add", "own", "imaps://own.example.org", "submissions://own.example.org",
               "--md5-lookup=yes", *options)
    database = sqlite3.connect(daemon.settings["database"]["file"])
    with database:
        database.execute(
            "UPDATE user SET provider = (SELECT id FROM provider WHERE name = 'own')")
    database.close()


def get(path, host):
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


def autoconfig(address):
    return get(f"/mail/config-v1.1.xml?emailaddress={address}", "autoconfig.example.org")


def mobileconfig(address):
    return get(f"/mobileconfig?emailaddress={address}", "autoconfig.example.org")


def evolution(address):
    digest = hashlib.md5(address.encode(), usedforsecurity=False).hexdigest()
    domain = address.partition("@")[2]
    return get(f"/mail/config-v1.1.xml?emailaddress=EVOLUTIONUSER@{domain}&emailmd5={digest}",
               "autoconfig.example.org")


def autodiscover(address, schema):
    schemas = "http://schemas.microsoft.com/exchange/autodiscover"
    body = (
        f"<Autodiscover><Request><EMailAddress>{address}</EMailAddress><AcceptableResponseSchema>"
        f"{schemas}/{schema}</AcceptableResponseSchema></Request></Autodiscover>"
    )
    head = "POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: autodiscover.example.org\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def outlook(address):
    return autodiscover(address, "outlook/responseschema/2006a")


def mobilesync(address):
    return autodiscover(address, "mobilesync/responseschema/2006")


DOCUMENTS = (autoconfig, outlook, mobilesync, mobileconfig, evolution)


class Answer:
    """One answer: how long it took, in microseconds, and the response without the address."""

    def __init__(self, kind, number, address, response, micros):
        self.kind = kind
        self.micros = micros
        head, _, body = response.raw.partition(b"\r\n\r\n")
        head = re.sub(rb"\r\nDate: [^\r]*", b"", head)
        size = f"\r\nContent-Length: {len(body)}".encode()
        assert size in head
        self.head = head.replace(size, b"")
        self.has_login = f">{login(number)}<".encode() in body
        body = body.replace(address.encode(), b"ADDRESS")
        for text in (login(number), name(kind, number), "%EMAILLOCALPART%"):
            body = body.replace(f">{text}<".encode(), b">LOGIN<")
        # Apple's identifiers are made from the address and a secret.
        uuid = rb"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
        self.body = re.sub(rb"[0-9a-f]{32,}", b"HEX", re.sub(uuid, b"UUID", body))


def ask_in_turns(daemon, document, count, domain=DOMAIN, seed=1,
                 host="autoconfig.example.org"):
    """Asks for so many people of each kind, mixed, over one connection that is kept."""
    people = [(kind, number) for kind in (KNOWN, UNKNOWN) for number in range(count)]
    random.Random(seed).shuffle(people)
    connection = daemon.connect(host)
    try:
        for kind, number in people:
            address = f"{name(kind, number)}@{domain}"
            question = document(address)
            begun = time.perf_counter_ns()
            response = connection.ask(question)
            micros = (time.perf_counter_ns() - begun) / 1000
            yield Answer(kind, number, address, response, micros)
    finally:
        connection.close()


QUANTILES = (1, 5, 25, 50, 75, 95, 99)


def distribution(times):
    """The quantiles, and the mean without the slowest twentieth."""
    cuts = statistics.quantiles(times, n=100)
    kept = sorted(times)[: len(times) * 19 // 20]
    return [cuts[percent - 1] for percent in QUANTILES] + [statistics.fmean(kept)]


def table(times):
    """Rows of text, from a dictionary of lists by kind."""
    known, unknown = (distribution(times[kind]) for kind in (KNOWN, UNKNOWN))
    return [
        ["", *(f"{percent} %" for percent in QUANTILES), "mean"],
        ["known", *(f"{value:.1f}" for value in known)],
        ["unknown", *(f"{value:.1f}" for value in unknown)],
        ["difference", *(f"{a - b:+.1f}" for a, b in zip(known, unknown))],
    ]
