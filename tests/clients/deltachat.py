"""Delta Chat: autoconfig, and Outlook's POX document by a GET without a body.

Autoconfig. The query has the address with everything except letters and digits percent-encoded.

POX. Only Type, Server, Port and SSL are read: with SSL off it connects in the clear, otherwise it
finds out by itself how the port encrypts. The user name is the address. It follows RedirectUrl,
which is not part of the model.
"""
from urllib.parse import quote

from .client import (
    AUTOCONFIG_PATH,
    AUTODISCOVER_PATH,
    AUTOMATIC,
    PLAIN,
    Question,
    Reader,
    Setting,
    descend,
    domain_of,
    one_of_each,
    parse,
    require,
    servers,
)


def ask(address):
    query = "".join(c if c.isalnum() and c.isascii() else encode(c) for c in address)
    host = f"autoconfig.{domain_of(address).lower()}"
    return Question("GET", host, f"{AUTOCONFIG_PATH}?emailaddress={query}")


def encode(character):
    return quote(character, safe="") if not character.isascii() else f"%{ord(character):02X}"


def read(document, address):
    settings = [server.setting(server.username) for server in servers(document, address)]
    require(settings, "imap")
    require(settings, "smtp")
    return one_of_each(settings, ("imap", "smtp"))


def ask_pox(address):
    return Question("GET", domain_of(address).lower(), AUTODISCOVER_PATH)


def read_pox(document, address):
    settings = []
    for protocol in descend(parse(document), "Response", "Account").all("Protocol"):
        kind, port = (protocol.text_of("Type") or "").lower(), protocol.text_of("Port") or ""
        if kind not in ("imap", "smtp") or not protocol.text_of("Server") or not port.isdigit():
            continue
        security = PLAIN if protocol.text_of("SSL") == "off" else AUTOMATIC
        settings.append(Setting(kind, protocol.text_of("Server"), int(port), security, address))
    require(settings, "imap")
    require(settings, "smtp")
    return one_of_each(settings)


READERS = (Reader("deltachat", ask, read), Reader("deltachat pox", ask_pox, read_pox))
