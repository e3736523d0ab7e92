"""Thunderbird for Android, and K-9 Mail: autoconfig, read strictly.

It sends no address. Anything wrong in any IMAP or SMTP server refuses the whole document, also a
socketType other than SSL and STARTTLS. POP3 servers are passed over. Of authentications, those that
it does not know are passed over, but one must remain. Text is not trimmed. Any media type will do.
"""
import re

from .client import (
    AUTOCONFIG_PATH,
    STARTTLS,
    TLS,
    Question,
    Reader,
    Refused,
    Setting,
    domain_of,
    fill_in,
    one_of_each,
    parse,
)

HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
SOCKET_TYPES = {"SSL": TLS, "STARTTLS": STARTTLS}
AUTHENTICATIONS = {"OAuth2", "password-cleartext", "password-encrypted"}


def accepts(status, media_type):
    return 200 <= status < 300


def ask(address):
    return Question("GET", f"autoconfig.{domain_of(address).lower()}", AUTOCONFIG_PATH)


def text(element, name):
    child = element.first(name)
    if child is None or not child.text:
        raise Refused(f"no {name}")
    if child.children:
        raise Refused(f"an element within {name}")
    return child.text


def host_name(value, address):
    name = fill_in(value, address, domain_of(address))
    return name if HOST_NAME.fullmatch(name) else None


def server_setting(element, address):
    hostname = host_name(text(element, "hostname"), address)
    if not hostname:
        raise Refused("a hostname that is none")
    port = text(element, "port")
    if not re.fullmatch(r"[0-9]+", port) or int(port) > 65535:
        raise Refused("a port that is none")
    socket_type = text(element, "socketType")
    if socket_type not in SOCKET_TYPES:
        raise Refused(f"socketType {socket_type}")
    if not any(child.text in AUTHENTICATIONS for child in element.all("authentication")):
        raise Refused("no known authentication")
    username = fill_in(text(element, "username"), address)
    return Setting(
        element.attributes["type"], hostname, int(port), SOCKET_TYPES[socket_type], username
    )


def first_of(provider, name, kind, address):
    """All are read, so that one that is wrong is met, but the first is taken."""
    elements = [child for child in provider.all(name) if child.attributes.get("type") == kind]
    if not elements:
        raise Refused(f"no {kind} server")
    return [server_setting(element, address) for element in elements][0]


def read(document, address):
    providers = parse(document).all("emailProvider")
    if not providers:
        raise Refused("no emailProvider")
    found = None
    for provider in providers:  # a second one takes the place of the first
        if not HOST_NAME.fullmatch(provider.attributes.get("id", "")):
            raise Refused("the provider's id is no host name")
        if not any(host_name(domain.text, address) for domain in provider.all("domain")):
            raise Refused("no domain")
        found = [
            first_of(provider, "incomingServer", "imap", address),
            first_of(provider, "outgoingServer", "smtp", address),
        ]
    return one_of_each(found)


READERS = (Reader("thunderbird android", ask, read, accepts),)
