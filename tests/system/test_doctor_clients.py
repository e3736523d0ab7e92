"""The doctor's clients and the models of tests/clients come to the same, whatever a server says: one server has a
domain for each document, traps and all, and the doctor looks at all of them at once."""
import json
import plistlib
import re
import subprocess

import pytest

import world
from clients import activesync, apple, deltachat, evolution, fairemail, geary, kmail, new_outlook, nextcloud, outlook
from clients import test_models, thunderbird, thunderbird_android
from clients.client import ONLY_TO_TLS, Refused, words_of
from clients.test_models import autoconfig, pox, pox_of, protocol, provider, server

pytestmark = [world.needed, pytest.mark.engines, pytest.mark.sanitize]

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
    "ActiveSync phone": [activesync.read],
    "New Outlook": [lambda document, address: new_outlook.read(document, address, posted)],
    "Apple device": [apple.read],
}


def posted(url):
    """What the server gives for Outlook's document."""
    match = re.fullmatch(r"https://autodiscover\.(d\d+\.example\.org)/autodiscover/autodiscover\.xml", url)
    if not match:
        raise Refused("nobody answers")
    return of_domains(DOCUMENTS)[match.group(1)]


def of_domains(documents):
    return {f"d{number:03}.example.org": document for number, document in enumerate(documents)}

CALENDAR = '<calendar type="caldav"><username>%EMAILLOCALPART%</username></calendar>'


def prefixed(document, element, namespace):
    text = document.decode()
    text = text.replace(f"<{element}", f"<a:{element}").replace(f"</{element}", f"</a:{element}")
    return re.sub(r"^<(\w+)", rf'<\1 xmlns:a="{namespace}"', text).encode()


LOGINS = ("007", "1e5", "0x10", "TRUE", "False", "4711", "1.50", ".5", "-3", "1e21", "123456789012345678901",
          "0.0000001", "0.000001", "1.25e-9", "a007", "1e999", "Infinity", "1_000", "truer", " x", "%EMAILDOMAIN%",
          "UNI\\%EMAILLOCALPART%", "EVOLUTIONUSER", "")

SYNC = "https://sync.example.org/Microsoft-Server-ActiveSync"


def sync_server(kind="MobileSync", url=SYNC):
    return f"<Server><Type>{kind}</Type><Url>{url}</Url><Name>x</Name></Server>"


USER = "<User><EMailAddress>fred@example.net</EMailAddress></User>"


def phone(*servers, user=USER, inner=activesync.INNER, action=""):
    action = action or f"<Settings>{''.join(servers) or sync_server()}</Settings>"
    return (f'<Autodiscover xmlns="{activesync.OUTER.strip()}"><Response xmlns="{inner.strip()}">{user}'
            f"<Action>{action}</Action></Response></Autodiscover>").encode()


PHONES = [
    phone(), phone(user=""), phone(user="<User><DisplayName>x</DisplayName></User>"), phone(inner=outlook.INNER),
    phone(sync_server("CertEnroll", "https://ca.example.org/"), sync_server()), phone(sync_server("CertEnroll")),
    phone(sync_server(), sync_server(url="https://other.example.org/")), phone(sync_server("mobilesync")),
    *(phone(sync_server(url=url)) for url in (
        "", "http://sync.example.org/", "//sync.example.org/", "HTTPS://sync.example.org", "https://",
        "https://sync.example.org:8443/x", "https://a b/", "https://a/&#10;b")),
    phone(action="<Redirect>fred@example.net</Redirect>"), phone(action="<Redirect/>"),
    phone(action="<Error><Status>2</Status></Error>"),
    phone().replace(activesync.OUTER.strip().encode() + b'"', b'urn:other"'),
]


def mail_payload(**changes):
    keys = {"PayloadType": "com.apple.mail.managed", "PayloadIdentifier": "org.example.mail", "PayloadUUID": "U",
            "PayloadVersion": 1, "EmailAccountType": "EmailTypeIMAP", "IncomingMailServerHostName": "imap.example.org",
            "IncomingMailServerAuthentication": "EmailAuthPassword", "IncomingMailServerPortNumber": 993,
            "IncomingMailServerUseSSL": True, "IncomingMailServerUsername": "a4711",
            "OutgoingMailServerHostName": "smtp.example.org", "OutgoingMailServerAuthentication": "EmailAuthPassword",
            "OutgoingMailServerPortNumber": 465, "OutgoingMailServerUseSSL": True, "OutgoingMailServerUsername": "b4711"}
    return {key: value for key, value in {**keys, **changes}.items() if value is not None}


def dav_payload(prefix="CalDAV", **changes):
    keys = {"PayloadType": f"com.apple.{prefix.lower()}.account", "PayloadIdentifier": f"org.example.{prefix}",
            "PayloadUUID": "V", "PayloadVersion": 1, f"{prefix}HostName": "dav.example.org"}
    return {**keys, **{prefix + key: value for key, value in changes.items()}}


def profile(*payloads, **changes):
    keys = {"PayloadType": "Configuration", "PayloadIdentifier": "org.example", "PayloadUUID": "W", "PayloadVersion": 1,
            "PayloadContent": list(payloads) or [mail_payload()]}
    return plistlib.dumps({key: value for key, value in {**keys, **changes}.items() if value is not None})


PROFILES = [
    profile(),
    profile(mail_payload(EmailAccountType="EmailTypePOP", IncomingMailServerPortNumber=995)),
    *(profile(mail_payload(**{key: None})) for key in mail_payload()),
    *(profile(mail_payload(IncomingMailServerPortNumber=None, OutgoingMailServerPortNumber=None, EmailAccountType=kind,
                           IncomingMailServerUseSSL=ssl, OutgoingMailServerUseSSL=ssl))
      for ssl in (True, False) for kind in ("EmailTypeIMAP", "EmailTypePOP")),
    *(profile(mail_payload(IncomingMailServerPortNumber=port)) for port in (143, 110, 25, 587, 0, 65536, "993", 993.0)),
    profile(mail_payload(IncomingMailServerUseSSL="true")),
    *(profile(mail_payload(OutgoingMailServerAuthentication=word))
      for word in ("EmailAuthCRAMMD5", "EmailAuthOAuth2", "")),
    profile(mail_payload(IncomingMailServerHostName="a b")),
    profile(mail_payload(), mail_payload(IncomingMailServerHostName="second.example.org")),
    profile({**mail_payload(), "PayloadType": "com.apple.wifi.managed"}),
    profile(dav_payload()), profile(dav_payload("CardDAV", Port=8443, Username="c4711")),
    profile(dav_payload(UseSSL=False, PrincipalURL="/principals/fred/")),
    profile(mail_payload(), dav_payload(PrincipalURL="https://dav.example.org/p/"), dav_payload("CardDAV", Port=443)),
    profile(dav_payload(HostName="")),
    *(profile(**{f"Payload{key}": None}) for key in ("Type", "Identifier", "UUID", "Version", "Content")),
    profile(PayloadType="x"), profile(PayloadVersion=2), profile(PayloadContent="x"), plistlib.dumps(["x"]),
    profile().replace(b"<dict>", b"<!-- why --><dict>"),
]


def v2(protocol="AutodiscoverV1", url=SYNC):
    return json.dumps({"Protocol": protocol, "Url": url}).encode()


def moved(action, target):
    return (f'<Autodiscover xmlns="{outlook.OUTER.strip()}"><Response xmlns="{outlook.INNER.strip()}"><Account>'
            f"<AccountType>email</AccountType><Action>{action}</Action>{target}</Account></Response>"
            "</Autodiscover>").encode()


DOCUMENTS = [
    pox(),  # the first, where the v2() below lead
    *PHONES, *PROFILES,
    moved("redirectAddr", "<RedirectAddr>fred@example.net</RedirectAddr>"), moved("redirectAddr", "<RedirectAddr/>"),
    moved("redirectAddr", "<RedirectUrl>https://example.net/</RedirectUrl>"), moved("redirect", ""),
    *(moved("redirectUrl", f"<RedirectUrl>{url}</RedirectUrl>") for url in ("https://example.net/a", "http://a/", "")),
    *(v2(url=f"https://autodiscover.d{number:03}.example.org/autodiscover/autodiscover.xml") for number in (0, 1)),
    v2("autodiscoverv1", "https://autodiscover.d000.example.org/autodiscover/autodiscover.xml"),
    v2(), v2("ActiveSync"), v2("activesync"), v2("Ews"), v2("ActiveSync", "http://sync.example.org/"),
    v2("ActiveSync", 7), v2(url="/autodiscover/autodiscover.xml"), v2("ActiveSync", "https://sync.example.org/\r\nX: y"),
    b"[]", b"{}", b'"x"', b"{",
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


def conclude(readers, document, address):
    """What the models make of it. A document is at both its paths: a reader of the other kind refuses it."""
    for read in readers:
        try:
            return sorted(words_of(read(document, address)))
        except Refused:
            continue
    return []


MEDIA_TYPES = {
    ("autoconfig", b"/mail/config-v1.1.xml"): "text/xml",
    ("autodiscover", b"/autodiscover/autodiscover.xml"): "text/xml",
    ("autoconfig", b"/mobileconfig"): "application/x-apple-aspen-config",
    ("autodiscover", b"/autodiscover/autodiscover.json"): "application/json",
}


def requests_of(connection):
    """(head, body) of each request."""
    data = b""
    while True:
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return
            data += more
        head, _, data = data.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        size = int(length.group(1)) if length else 0
        while len(data) < size:
            data += connection.recv(65536)
        yield head, data[:size]
        data = data[size:]


def host_of(head):
    return re.search(rb"(?i)\r\nhost: ([^\r]+)", head).group(1).decode()


def send(connection, status, media_type="text/xml", body=b"", field=""):
    connection.sendall(f"HTTP/1.1 {status} x\r\nContent-Type: {media_type}\r\n{field}"
                       f"Content-Length: {len(body)}\r\n\r\n".encode() + body)


def serve(documents):
    """Gives each domain its document, wherever autoconfig. and autodiscover. have one, and nothing elsewhere."""
    def answer(connection):
        for head, _ in requests_of(connection):
            prefix, _, domain = host_of(head).partition(".")
            path = head.split()[1].partition(b"?")[0]
            known = MEDIA_TYPES.get((prefix, path))
            send(connection, 200 if known else 404, known, documents[domain] if known else b"")
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
            found[finding["domain"], match.group(1)] = sorted(match.group(2).rpartition(" from http")[0].split("; "))
        elif finding["kind"] == "no-settings":
            found[finding["domain"], match.group(1)] = []
    return found


def signed(authority, document, *options):
    """In CMS, as OpenSSL makes it."""
    return subprocess.run(["openssl", "cms", "-sign", "-nodetach", "-binary", "-outform", "DER", "-signer",
                           authority.certificate("profiles.example.org"), *options],
                          input=document, capture_output=True, check=True).stdout


def all_documents(authority):
    good = signed(authority, profile())
    return of_domains([*DOCUMENTS, good, signed(authority, profile(), "-md", "sha512"),
                       signed(authority, profile(), "-nocerts"), signed(authority, b"no profile"), good.replace(b"imap.example.org", b"evil.example.org"),
                       good[:-1], b"0\x82"])


def test_clients_come_to_the_same(tmp_path, authority, daemon):
    documents = all_documents(authority)
    address = world.address()
    names = [f"{prefix}.{domain}" for domain in documents for prefix in ("autoconfig", "autodiscover")]
    site = world.Server(address, 443, serve(documents), certificate=authority.certificate(*names))
    dns = world.Dns(tmp_path / "dns")
    for name in names:
        dns.host(name, address)
    dns.start()
    # The settings that the database has are nobody else's, so each client is seen to differ.
    services = ["imaps://ours.example.net", "submissions://ours.example.net",
                "activesync+https://ours.example.net/sync"]
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


def lead_to_http(connection):
    for head, _ in requests_of(connection):
        target = head.split()[1].decode()
        if "AutodiscoverV1" in target:
            send(connection, 200, "application/json", v2(url="https://autodiscover.example.org/autodiscover/autodiscover.xml"))
        else:
            send(connection, 302, field=f"Location: http://plain.example.org{target}\r\n")


def test_redirects_to_plain_http(tmp_path, authority, daemon):
    """Where all names lead to one without TLS that has good settings, some clients go there, and others must not."""
    address, plain = world.address(), world.address()
    asked = []

    def give_settings(connection):
        for head, body in requests_of(connection):
            path = head.split()[1].partition(b"?")[0]
            asked.append(body if host_of(head) == "plain.example.org" else b"")
            if path == b"/autodiscover/autodiscover.xml":
                send(connection, 200, body=phone() if b"mobilesync" in body else pox())
            elif path == b"/autodiscover/autodiscover.json":
                send(connection, 200, "application/json", v2("ActiveSync"))
            elif path == b"/mobileconfig":
                send(connection, 200, "application/x-apple-aspen-config", profile())
            else:
                send(connection, 200, body=autoconfig())

    names = [f"{prefix}.example.org" for prefix in ("autoconfig", "autodiscover", "ua-auto-config")]
    dns = world.Dns(tmp_path / "dns")
    for name in names:
        dns.host(name, address)
    dns.host("plain.example.org", plain)
    dns.start()
    servers = [world.Server(address, 443, lead_to_http, certificate=authority.certificate(*names)),
               world.Server(plain, 80, give_settings)]
    daemon.setup(["domain", "add", "example.org", "imaps://ours.example.net", "submissions://ours.example.net",
                  "activesync+https://ours.example.net/sync", "--pacc", "yes"])
    try:
        seen = conclusions(daemon, ["example.org"], "--resolver", dns.address, "--ca", authority.file)
    finally:
        dns.stop()
        for server in servers:
            server.stop()
    assert {client for (_, client), words in seen.items() if not words} == set(ONLY_TO_TLS)
    assert len(seen) == len(CLIENTS) + 1
    assert asked and not any(asked), "no POST arrives there"
