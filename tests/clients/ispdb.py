"""Documents of the public provider database as providers of ours.

What a provider of ours cannot hold is told, and taken out of the document, so that what is left
must mean the same to every client as what we serve.
"""
import xml.etree.ElementTree as tree
from typing import NamedTuple

from . import extras
from .client import SECURITY_OF
from .generator import MAIL_KINDS, Domain, Provider, Service, in_order

AUTHENTICATIONS = {
    "password-cleartext", "password-encrypted", "OAuth2", "GSSAPI", "NTLM", "TLS-client-cert",
    "client-IP-address", "none",
}

# Elements beside or within the servers that are not settings of a service.
NOT_HELD = (
    "restriction", "useGlobalPreferredServer", "addThisServer", "inputField", "loginPageInfo",
    "clientConfigUpdate",
)


class Translation(NamedTuple):
    domain: Domain
    document: bytes  # the original without what is not held
    not_held: tuple


def service_of(element):
    names = [child.text for child in element.iter("authentication")]
    return Service(
        element.get("type"),
        SECURITY_OF[element.findtext("socketType")],
        element.findtext("hostname"),
        int(element.findtext("port")),
        element.findtext("username"),
        tuple(name for name in names if name in AUTHENTICATIONS) or ("password-cleartext",),
        pop3=extras.pop3_of(element) if element.get("type") == "pop3" else None,
    )


def texts_of(link, not_held):
    """Blanks and line ends are as good as one blank."""
    for language, text in link.texts:
        if language:
            yield language.lower(), " ".join(text.split())
        else:
            not_held.append(f"{link.kind} text without a language")


def webmail_of(said, not_held):
    if said.webmail and "%" in said.webmail:
        not_held.append("placeholder in the address of web mail")
        return None
    return said.webmail


def beside(document, not_held):
    """What the provider says beside its servers."""
    said = extras.read(document)
    return {
        "oauth2": said.oauth2,
        "webmail": webmail_of(said, not_held),
        "links": tuple(
            link._replace(texts=tuple(texts_of(link, not_held))) for link in said.links
        ),
    }


def services_of(elements, not_held):
    """The services, each with its element; of two that have one URL the first."""
    found = {}
    for element in elements:
        kind = element.get("type")
        if kind not in MAIL_KINDS:
            not_held.append(f"{kind} server")
            continue
        service = service_of(element)
        if service.url in found:
            not_held.append("two servers of one URL")
        found.setdefault(service.url, (service, element))
    return found


def ordered(services, not_held):
    """In our order, which an admin can change for the first of each kind."""
    if [s.kind for s in services] != sorted((s.kind for s in services), key=MAIL_KINDS.index):
        not_held.append("POP3 before IMAP")
    firsts = {service.kind: service.url for service in reversed(services)}
    natural = {service.kind: service.url for service in reversed(in_order(services))}
    found = in_order(
        service._replace(is_first=True)
        if firsts[service.kind] == service.url != natural[service.kind]
        else service
        for service in services
    )
    for kind in MAIL_KINDS:
        before, after = ([s.url for s in some if s.kind == kind] for some in (services, found))
        if before != after:
            not_held.append("order of further servers")
    return found


def translate(document):
    root = tree.fromstring(document)
    provider = root.find("emailProvider")
    name = provider.findtext("domain")
    elements = [*provider.findall("incomingServer"), *provider.findall("outgoingServer")]
    not_held = [element for element in NOT_HELD if root.find(f".//{element}") is not None]
    if root.find("enable") is not None:
        not_held.append("enable outside of the provider")
    found = services_of(elements, not_held)
    services = ordered([service for service, _ in found.values()], not_held)
    login = services[0].login

    for element in elements:
        provider.remove(element)
    for service in services:
        element = found[service.url][1]
        hostname = element.find("hostname")
        if "%EMAILDOMAIN%" in hostname.text:
            not_held.append("placeholder in the host name sent to clients")
            hostname.text = hostname.text.replace("%EMAILDOMAIN%", name)
        provider.append(element)
    for element in root.findall("webMail"):
        root.remove(element)

    services = tuple(s._replace(login=None) if s.login == login else s for s in services)
    domain = Domain(
        name,
        Provider(
            name, services, provider.findtext("displayName"), login, **beside(document, not_held)
        ),
        addresses=(f"first.last@{name}", f"x@{name}"),
    )
    return Translation(domain, tree.tostring(root), tuple(dict.fromkeys(not_held)))
