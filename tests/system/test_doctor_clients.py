"""The doctor's clients and the models of tests/clients come to the same, whatever a server says: one server has a
domain for each document, traps and all, and the doctor looks at all of them at once."""
import json
import re

import world
from clients import deltachat, evolution, fairemail, geary, kmail, nextcloud, outlook, test_models, thunderbird
from clients import thunderbird_android
from clients.client import PLAIN, STARTTLS, TLS, Refused
from clients.test_models import autoconfig, pox, pox_of, protocol, provider, server

pytestmark = world.needed

SMTP = test_models.SMTP

CLIENTS = {
    "Outlook": [outlook.read],
    "Thunderbird": [thunderbird.read, thunderbird.read_pox],
    "Thunderbird for Android": [thunderbird_android.read],
    "FairEmail": [fairemail.read, fairemail.read_pox],
    "Delta Chat": [deltachat.read, deltachat.read_pox],
    "Nextcloud Mail": [nextcloud.read],
    "KMail": [kmail.read],
    "Evolution": [evolution.read],
    "Geary": [geary.read],
}

CALENDAR = '<calendar type="caldav"><username>%EMAILLOCALPART%</username></calendar>'


def prefixed(document, element, namespace):
    text = document.decode()
    text = text.replace(f"<{element}", f"<a:{element}").replace(f"</{element}", f"</a:{element}")
    return re.sub(r"^<(\w+)", rf'<\1 xmlns:a="{namespace}"', text).encode()


LOGINS = ("007", "1e5", "0x10", "TRUE", "False", "4711", "1.50", ".5", "-3", "1e21", "123456789012345678901",
          "0.0000001", "0.000001", "1.25e-9", "a007", "1e999", "Infinity", "1_000", "truer", " x", "%EMAILDOMAIN%",
          "UNI\\%EMAILLOCALPART%", "EVOLUTIONUSER", "")

DOCUMENTS = [
    autoconfig(),
    autoconfig(provider(server(port="143", socket_type="STARTTLS"), server("smtp", port="587", socket_type="STARTTLS"))),
    b"", b"<a>", b"<a>&b</a>", b"no XML", b"<html></html>",
    *(autoconfig(provider(server(), SMTP, server(kind, "bad.example.org", socket_type=socket_type)))
      for socket_type in ("plain", "TLS", "none", "ssl") for kind in ("imap", "smtp")),
    autoconfig(provider(server(), server("pop3", socket_type="plain"), SMTP)),
    autoconfig(provider(server(socket_type="TLS", port="143"), SMTP)),
    autoconfig(provider(domain='<domain purpose="mx">example.org</domain>')),
    autoconfig(provider(domain="")),
    autoconfig().replace(b"<username>", b'<username a="b">'),
    autoconfig().replace(b"<hostname>", b'<hostname a="b">'),
    autoconfig(provider(server(username=None), SMTP)),
    *(autoconfig(provider(server(username=login), SMTP)) for login in LOGINS),
    *(pox(login=login) for login in LOGINS),
    autoconfig(provider(server(port=" 993 "), SMTP)),
    autoconfig(provider(server(port="x"), SMTP)),
    autoconfig(provider(server(host=" imap.example.org "), SMTP)),
    autoconfig(provider(server(host="a b"), SMTP)),
    autoconfig(provider(server("pop3"), server(), SMTP)),
    autoconfig(provider(server("pop3"), SMTP)),
    autoconfig(provider(server("IMAP"), SMTP)),
    autoconfig(provider(), CALENDAR),
    autoconfig(provider(), provider(server(host="other.example.org"), SMTP)),
    *(autoconfig(provider(name=name)) for name in ("", "example org", "Example!", "-x-")),
    autoconfig(provider(server())),
    autoconfig(provider(SMTP)),
    autoconfig(provider(server(authentication="OAuth2"), SMTP)),
    autoconfig(provider(server(authentication="OAuth2</authentication><authentication>password-cleartext"), SMTP)),
    autoconfig(provider(server(authentication="GSSAPI"), SMTP)),
    autoconfig(provider(server(), server("smtp", authentication="none", username=None))),
    prefixed(autoconfig(), "incomingServer", "urn:a"),
    autoconfig().replace(b"<port>993", b"<port>993<b/>"),
    autoconfig().replace(b"<port>993", b"<port>993<!-- why -->"),
    autoconfig(provider(server(host="a.example.org"), server(host="b.example.org"), SMTP)),
    autoconfig(provider(server(host="imap.%EMAILDOMAIN%"), SMTP)),
    autoconfig(provider(server(host="%X.example.org"), SMTP)),
    pox(),
    *(pox(port=port, ssl=ssl, encryption=encryption) for port, ssl, encryption in (
        ("143", "on", "TLS"), ("143", "off", "None"), ("143", "off", "TLS"), ("993", "on", "None"), ("993", "on", "TLS"),
        ("587", "on", "SSL"), ("993", None, None), ("993", "true", "SSL"), ("993", "", "SSL"), ("993", "1", "SSL"),
        ("993", "yes", "SSL"), ("993", "on", "STARTTLS"), ("993", "on", "false"))),
    pox(spa="true"),
    pox(login=None),
    pox(port=None, login=None, ssl=None, encryption=None, spa=None),
    pox(kind="imap"),
    pox_of(protocol()),
    pox_of(protocol("POP3", "995"), protocol(), protocol("SMTP", "465")),
    *(pox_of(protocol(), protocol("SMTP", "465", login="smtp-login", use_pop_auth=use)) for use in ("on", "off", "x")),
    *(pox().replace(namespace.strip().encode() + b'"', b'urn:other"') for namespace in (outlook.OUTER, outlook.INNER)),
    prefixed(pox(), "Protocol", outlook.INNER.strip()),
    pox_of(protocol(), before="<AccountType>email</AccountType>").replace(
        b"</Account>", b"<Action>settings</Action></Account>"),
    f'<Autodiscover xmlns="{outlook.OUTER.strip()}"><Response><Error/></Response></Autodiscover>'.encode(),
]


def words_of(settings):
    """As the doctor says it, in no order; None where the model stands for nothing."""
    securities = {TLS: "TLS", STARTTLS: "STARTTLS", PLAIN: "in clear text"}
    kinds = {"imap": "IMAP", "pop3": "POP3", "smtp": "submission"}
    return sorted(f"{kinds[each.kind]} {each.host}:{each.port} {securities.get(each.security, 'with what it finds')} "
                  f"as {each.username}" for each in settings)


def conclude(readers, document, address):
    """What the models make of it. A document is at both its paths: a reader of the other kind refuses it."""
    for read in readers:
        try:
            return words_of(read(document, address))
        except Refused:
            continue
    return []


def serve(documents):
    """Gives each domain its document: at autoconfig. and at autodiscover., and nothing elsewhere."""
    def answer(connection):
        data = b""
        while True:
            while b"\r\n\r\n" not in data:
                more = connection.recv(65536)
                if not more:
                    return
                data += more
            head, _, data = data.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
            while length and len(data) < int(length.group(1)):
                data += connection.recv(65536)
            data = data[int(length.group(1)):] if length else data
            host = re.search(rb"(?i)\r\nhost: ([^\r]+)", head).group(1).decode()
            prefix, _, domain = host.partition(".")
            path = head.split()[1].partition(b"?")[0]
            known = (prefix, path) in (("autoconfig", b"/mail/config-v1.1.xml"),
                                       ("autodiscover", b"/autodiscover/autodiscover.xml"))
            body = documents[domain] if known else b""
            connection.sendall(f"HTTP/1.1 {200 if known else 404} x\r\nContent-Type: text/xml\r\n"
                               f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return answer


def conclusions(daemon, domains, *options):
    """{(domain, client): what it comes to}. Where the machine was too busy to answer in time, nothing is said."""
    findings = json.loads(daemon.ctl("doctor", *domains, *options, "--json", check=False).stdout)
    late = {finding["domain"] for finding in findings if finding["kind"] == "slow"}
    found = {}
    for finding in findings:
        match = re.match(r"(.*?) gets (.*)", finding["seen"], re.DOTALL)
        if finding["domain"] in late:
            continue
        if finding["kind"] == "other-settings":
            found[finding["domain"], match.group(1)] = sorted(match.group(2).rpartition(" from https://")[0].split("; "))
        elif finding["kind"] == "no-settings":
            found[finding["domain"], match.group(1)] = []
    return found


def test_clients_come_to_the_same(tmp_path, authority, daemon):
    documents = {f"d{number:03}.example.org": document for number, document in enumerate(DOCUMENTS)}
    address = world.address()
    names = [f"{prefix}.{domain}" for domain in documents for prefix in ("autoconfig", "autodiscover")]
    site = world.Server(address, 443, serve(documents), certificate=authority.certificate(*names))
    dns = world.Dns(tmp_path / "dns")
    for name in names:
        dns.host(name, address)
    dns.start()
    # The settings that the database has are nobody else's, so each client is seen to differ.
    services = ["imaps://ours.example.net", "submissions://ours.example.net"]
    daemon.setup(["domain", "add", "example.net", *services],
                 ["domain", "add", "*.example.org", "--provider", "example.net"])
    seen = {}
    try:
        # A few at a time: the server is slow, and Thunderbird waits for five seconds only.
        left = list(documents)
        for _ in documents:
            if not left:
                break
            seen.update(conclusions(daemon, left[:8], "--resolver", dns.address, "--ca", authority.file))
            left = left[8:] + [domain for domain in left[:8] if (domain, "Thunderbird") not in seen]
    finally:
        dns.stop()
        site.stop()
    wrong = []
    for domain, document in documents.items():
        for client, readers in CLIENTS.items():
            expected = conclude(readers, document, f"postmaster@{domain}")
            if seen.get((domain, client)) != expected:
                wrong.append((client, document, expected, seen.get((domain, client))))
    assert not wrong, "\n".join(map(str, wrong[:20]))
    assert sum(1 for words in seen.values() if words) > 200 and len(seen) == len(documents) * len(CLIENTS)
