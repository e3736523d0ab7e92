"""FairEmail: autoconfig, and Outlook's POX document.

Autoconfig. The address goes into the query as it is. The first incoming server must be IMAP and the
first outgoing one SMTP, or it is not read. The user name is the last one of the whole document,
also that of a calendar; %EMAILADDRESS% and %EMAILLOCALPART% are known, and only alone.

POX. AccountType and Action must come before the first Protocol. Of a Protocol only Type, Server and
Port are read: STARTTLS is guessed from port 143 of IMAP and 587 of SMTP.
"""
from .client import (
    AUTOCONFIG_PATH,
    AUTODISCOVER_PATH,
    SECURITY_OF,
    STARTTLS,
    TLS,
    Question,
    Reader,
    Refused,
    Setting,
    autodiscover_body,
    descend,
    domain_of,
    one_of_each,
    parse,
    require,
    server_of,
)

STARTTLS_PORTS = {("imap", 143), ("smtp", 587)}


def ask(address):
    host = f"autoconfig.{domain_of(address).lower()}"
    return Question("GET", host, f"{AUTOCONFIG_PATH}?emailaddress={address}")


def login_of(text, address):
    if text == "%EMAILADDRESS%":
        return address
    if text == "%EMAILLOCALPART%":
        return address.rpartition("@")[0]
    return text


def read(document, address):
    root = parse(document)
    provider = descend(root, "emailProvider")
    names = [element.text for element in root.below() if element.name == "username"]
    settings = []
    for name, kind in (("incomingServer", "imap"), ("outgoingServer", "smtp")):
        first = provider.first(name)
        if first is None or first.attributes.get("type") != kind:
            raise Refused(f"the first {name} is not {kind}")
        server = server_of(first, address, SECURITY_OF)
        if server is None:
            raise Refused(f"the first {name} cannot be used")
        settings.append(server.setting(login_of(names[-1], address)))
    return settings


def ask_pox(address):
    host = domain_of(address).lower()
    return Question("POST", host, AUTODISCOVER_PATH, autodiscover_body(address))


def read_pox(document, address):
    account = descend(parse(document), "Response", "Account")
    seen, settings = {}, []
    for child in account.children:
        if child.name != "Protocol":
            seen[child.name] = child.text
            continue
        if seen.get("AccountType") != "email" or seen.get("Action") != "settings":
            raise Refused("AccountType and Action do not come before Protocol")
        kind, port = (child.text_of("Type") or "").lower(), child.text_of("Port") or ""
        if kind not in ("imap", "smtp") or not child.text_of("Server") or not port.isdigit():
            continue
        security = STARTTLS if (kind, int(port)) in STARTTLS_PORTS else TLS
        settings.append(Setting(kind, child.text_of("Server"), int(port), security, address))
    require(settings, "imap")
    return one_of_each(settings)


READERS = (Reader("fairemail", ask, read), Reader("fairemail pox", ask_pox, read_pox))
