"""Outlook: its POX document (MS-OXDSCLI 2.2.4), by namespaces.

Encryption overrides SSL since Outlook 2010; Outlook 2007 knows SSL alone, which is implicit TLS.
What is absent has a default: SSL on, SPA on, the usual port, the local part as user name. With
UsePOPAuth an SMTP server takes the user name of the incoming one. A switch is on or off, nothing
else.
"""
from .client import (
    AUTODISCOVER_PATH,
    AUTOMATIC,
    PLAIN,
    STARTTLS,
    TLS,
    Question,
    Reader,
    Redirect,
    Refused,
    Setting,
    autodiscover_body,
    descend,
    domain_of,
    is_url,
    one_of_each,
    parse,
    require,
)

SCHEMAS = "http://schemas.microsoft.com/exchange/autodiscover/"
OUTER = f"{SCHEMAS}responseschema/2006 "
INNER = f"{SCHEMAS}outlook/responseschema/2006a "

ENCRYPTIONS = {"None": PLAIN, "SSL": TLS, "TLS": STARTTLS, "Auto": AUTOMATIC}
PORTS = {
    "imap": {TLS: 993, None: 143},
    "pop3": {TLS: 995, None: 110},
    "smtp": {TLS: 465, None: 25},
}


def ask(address):
    host = f"autodiscover.{domain_of(address).lower()}"
    return Question("POST", host, AUTODISCOVER_PATH, autodiscover_body(address))


def text_of(protocol, name, default=None):
    text = protocol.text_of(INNER + name)
    if text == "":
        raise Refused(f"an empty {name}")
    return default if text is None else text


def is_on(protocol, name, default):
    text = text_of(protocol, name, default)
    if text not in ("on", "off"):
        raise Refused(f"{name} is {text}")
    return text == "on"


def protocol_setting(protocol, kind, address, knows_encryption):
    host = text_of(protocol, "Server")
    if not host:
        raise Refused("no Server")
    for name, default in (("SPA", "on"), ("AuthRequired", "on"), ("DomainRequired", "off")):
        is_on(protocol, name, default)
    security = TLS if is_on(protocol, "SSL", "on") else PLAIN
    encryption = text_of(protocol, "Encryption") if knows_encryption else None
    if encryption is not None and encryption not in ENCRYPTIONS:
        raise Refused(f"Encryption is {encryption}")
    security = ENCRYPTIONS.get(encryption, security)
    port = text_of(protocol, "Port")
    if port is None:
        port = PORTS[kind].get(security, PORTS[kind][None])
    login = text_of(protocol, "LoginName", address.rpartition("@")[0])
    return Setting(kind, host, int(port), security, login)


def redirect_of(account, action):
    if action == "redirectAddr":
        target = account.text_of(f"{INNER}RedirectAddr")
        if not target:
            raise Refused("no RedirectAddr")
    else:
        target = account.text_of(f"{INNER}RedirectUrl")
        if not is_url(target):
            raise Refused("no good RedirectUrl")
    return Redirect(target)


def read_protocols(document, address, knows_encryption):
    root = parse(document, namespaces=True)
    if root.name != f"{OUTER}Autodiscover":
        raise Refused("no Autodiscover")
    account = descend(root, f"{INNER}Response", f"{INNER}Account")
    if account.text_of(f"{INNER}AccountType") != "email":
        raise Refused("no mail account")
    action = account.text_of(f"{INNER}Action")
    if action in ("redirectAddr", "redirectUrl"):
        return [redirect_of(account, action)]
    if action != "settings":
        raise Refused("no settings")
    settings = []
    for protocol in account.all(f"{INNER}Protocol"):
        kind = (text_of(protocol, "Type") or "").lower()
        if kind not in ("imap", "pop3", "smtp"):
            continue
        setting = protocol_setting(protocol, kind, address, knows_encryption)
        if kind == "smtp" and is_on(protocol, "UsePOPAuth", "off"):
            require(settings, "imap", "pop3")
            setting = setting._replace(username=settings[0].username)
        settings.append(setting)
    require(settings, "imap", "pop3")
    return one_of_each(settings)


def read(document, address):
    return read_protocols(document, address, knows_encryption=True)


def read_2007(document, address):
    return read_protocols(document, address, knows_encryption=False)


READERS = (Reader("outlook", ask, read), Reader("outlook 2007", ask, read_2007))
