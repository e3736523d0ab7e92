"""Thunderbird on the desktop: autoconfig, and Outlook's POX document.

Autoconfig. The media type must begin with text/xml, application/xml or text/rdf. The provider's id
and one domain without attributes must look like host names. A server with a value that is bad is
dropped alone; one incoming and one outgoing server must remain. The first of each is recommended.

POX. Of several things that say how to encrypt, SSL off and Encryption None mean plain, and nothing
else counts but the port: 143, 110, 25 and 587 are STARTTLS, all others implicit TLS. The address
goes into the request without being escaped.
"""
import re
from urllib.parse import quote

from . import jxon
from .client import (
    AUTOCONFIG_PATH,
    AUTODISCOVER_PATH,
    PLAIN,
    SECURITY_OF,
    STARTTLS,
    TLS,
    Question,
    Reader,
    Refused,
    Setting,
    descend,
    domain_of,
    fill_in,
    one_of_each,
    parse,
    require,
)

HOST_NAME = re.compile(r"([A-Za-z0-9.-]|%[A-Z]+%)+")
AUTHENTICATIONS = {
    "password-cleartext",
    "plain",
    "password-encrypted",
    "secure",
    "GSSAPI",
    "NTLM",
    "TLS-client-cert",
    "client-IP-address",
    "none",
}
WITHOUT_PASSWORD = {"client-IP-address", "smtp-after-pop", "none"}

# Hosts for which it has the details of an OAuth2 server; none of those that are asked about here.
OAUTH2_HOSTS = frozenset()

STARTTLS_PORTS = {143, 110, 25, 587}


def accepts(status, media_type):
    return 200 <= status < 300 and media_type.startswith(
        ("text/xml", "application/xml", "text/rdf")
    )


def refuse_non_ascii(address):
    if not address.rpartition("@")[2].isascii():
        raise Refused("a domain that is not ASCII is refused before anything is asked")


def ask(address):
    """URLSearchParams encodes all but letters, digits and * - . _ (and a blank as a plus)."""
    query = quote(address, safe="*-._").replace("~", "%7E")
    host = f"autoconfig.{domain_of(address).lower()}"
    return Question("GET", host, f"{AUTOCONFIG_PATH}?emailaddress={query}")


def host_name(element):
    text = jxon.string(element).strip()
    return text if element is not None and HOST_NAME.fullmatch(text) else None


def port_of(element):
    port = jxon.value(element)
    if not isinstance(port, float) or port != int(port) or not 1 <= port <= 65535:
        return None
    return int(port)


def is_supported(authentication, hostname):
    return authentication in AUTHENTICATIONS or (
        authentication == "OAuth2" and hostname in OAUTH2_HOSTS
    )


def first_known(element, name, is_known):
    texts = (jxon.string(child) for child in element.all(name))
    return next((text for text in texts if is_known(text)), None)


def server_setting(element, address, others):
    """The server, or None where it is dropped."""
    kind = element.attributes.get("type")
    hostname, port = host_name(element.first("hostname")), port_of(element.first("port"))
    socket_type = first_known(element, "socketType", SECURITY_OF.__contains__)
    authentication = first_known(
        element,
        "authentication",
        lambda name: is_supported(name, hostname) or name in others,
    )
    if not hostname or not port or not socket_type or not authentication:
        return None
    username = element.first("username")
    if username is None and kind == "smtp" and authentication in WITHOUT_PASSWORD:
        login = ""
    else:
        login = fill_in(jxon.string(username), address)
    return Setting(kind, fill_in(hostname, address), port, SECURITY_OF[socket_type], login)


def pop3_of(document):
    """What it takes from each POP3 server for the account, by the names of the document."""
    readers = {
        "leaveMessagesOnServer": bool,
        "daysToLeaveMessagesOnServer": float,
        "downloadOnBiff": bool,
    }
    for server in descend(parse(document), "emailProvider").all("incomingServer"):
        if server.attributes.get("type") == "pop3":
            options = server.first("pop3")
            found = {name: jxon.value(options and options.first(name)) for name in readers}
            yield {name: v for name, v in found.items() if isinstance(v, readers[name])}


def settings_of(provider, element_name, kinds, address, others=frozenset()):
    for element in provider.all(element_name):
        if element.attributes.get("type") in kinds:
            setting = server_setting(element, address, others)
            if setting:
                yield setting


def read(document, address):
    refuse_non_ascii(address)
    provider = descend(parse(document), "emailProvider")
    if not HOST_NAME.fullmatch(provider.attributes.get("id", "")):
        raise Refused("the provider's id is no host name")
    if not any(host_name(domain) for domain in provider.all("domain")):
        raise Refused("no domain")
    settings = [
        *settings_of(provider, "incomingServer", ("imap", "pop3"), address),
        *settings_of(provider, "outgoingServer", ("smtp",), address, {"smtp-after-pop"}),
    ]
    require(settings, "imap", "pop3")
    require(settings, "smtp")
    return one_of_each(settings)


def ask_pox(address):
    schemas = "http://schemas.microsoft.com/exchange/autodiscover/outlook"
    lines = (
        '<?xml version="1.0" encoding="utf-8"?>',
        f'    <Autodiscover xmlns="{schemas}/requestschema/2006">',
        "      <Request>",
        f"        <EMailAddress>{address}</EMailAddress>",
        f"        <AcceptableResponseSchema>{schemas}/responseschema/2006a"
        "</AcceptableResponseSchema>",
        "      </Request>",
        "    </Autodiscover>",
    )
    host = f"autodiscover.{domain_of(address).lower()}"
    return Question("POST", host, AUTODISCOVER_PATH, "\n".join(lines).encode())


def switch(element):
    """SSL or Encryption in lower case, "" where it is absent. A value that is not a string cannot be put into
    lower case, and the protocol is lost."""
    found = jxon.value(element)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise Refused("not a string")
    return found.lower()


def protocol_setting(protocol, address):
    kind = jxon.string(protocol.first("Type")).lower()
    host, port = host_name(protocol.first("Server")), port_of(protocol.first("Port"))
    ssl, encryption = switch(protocol.first("SSL")), switch(protocol.first("Encryption"))
    if not host or not port:
        raise Refused("no Server or no Port")
    if ssl == "off" or encryption == "none":
        security = PLAIN
    else:
        security = STARTTLS if port in STARTTLS_PORTS else TLS
    login = protocol.first("LoginName")
    return Setting(kind, host, port, security, address if login is None else jxon.string(login))


def read_pox(document, address):
    refuse_non_ascii(address)
    root = parse(document)
    if root.name != "Autodiscover":
        raise Refused("no Autodiscover")
    settings = []
    for protocol in descend(root, "Response", "Account").all("Protocol"):
        if jxon.string(protocol.first("Type")) in ("IMAP", "POP3", "SMTP"):
            try:
                settings.append(protocol_setting(protocol, address))
            except Refused:
                continue
    require(settings, "imap", "pop3")
    return one_of_each(settings)


READERS = (
    Reader("thunderbird", ask, read, accepts),
    Reader("thunderbird pox", ask_pox, read_pox, accepts),
)
