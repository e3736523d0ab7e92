"""What the models share: their results, their questions, and a look into XML documents."""
import functools
import re
from typing import Callable, NamedTuple
from xml.parsers import expat

TLS, STARTTLS, PLAIN = "TLS", "STARTTLS", "plain"
AUTOMATIC = "automatic"  # the client tries implicit TLS and STARTTLS

SECURITY_OF = {"SSL": TLS, "STARTTLS": STARTTLS, "plain": PLAIN}


class Setting(NamedTuple):
    """One service as a client would use it."""

    kind: str  # imap, pop3 or smtp
    host: str
    port: int
    security: str
    username: str


class Place(NamedTuple):
    """A service over HTTP as a client would use it."""

    kind: str  # as in URLs of services: "activesync"
    url: str
    username: str


class Redirect(NamedTuple):
    """Instead of settings, where the client asks again: an address or a URL."""

    target: str


SAID = {TLS: "TLS", STARTTLS: "STARTTLS", PLAIN: "in clear text"}
NAMED = {
    "imap": "IMAP", "pop3": "POP3", "smtp": "submission", "managesieve": "ManageSieve",
    "jmap": "JMAP", "caldav": "CalDAV", "carddav": "CardDAV", "webdav": "WebDAV",
    "activesync": "ActiveSync",
}


def words_of(settings):
    """As mailconfctl says it, in their order."""
    for each in settings:
        if isinstance(each, Redirect):
            yield f"a redirect to {each.target}"
            continue
        where = each.url if isinstance(each, Place) else (
            f"{each.host}:{each.port} {SAID.get(each.security, 'with automatic encryption')}")
        yield f"{NAMED[each.kind]} {where} as {each.username}"


def is_url(text):
    """An https URL with a host, as the newer clients need it."""
    return re.fullmatch(r"(?i)https://[a-z0-9.-]+(:\d+)?(/[!-~]*)?", text or "") is not None


# They go nowhere but to https (MS-OXDISCO 3.1.5, MS-OXDSCLI on RedirectUrl; PACC knows no http).
ONLY_TO_TLS = ("Outlook", "ActiveSync phone", "New Outlook", "PACC client")


class Refused(Exception):
    """The client takes nothing from the document."""


class Question(NamedTuple):
    """A request as the client sends it, over https."""

    method: str
    host: str
    target: str
    body: bytes = b""

    def bytes(self):
        head = f"{self.method} {self.target} HTTP/1.1\r\nHost: {self.host}\r\n"
        if self.method == "POST":
            head += f"Content-Type: text/xml; charset=utf-8\r\nContent-Length: {len(self.body)}\r\n"
        return head.encode() + b"\r\n" + self.body


class Reader(NamedTuple):
    """One document of one client."""

    name: str
    ask: Callable[[str], Question]
    read: Callable[[bytes, str], list]
    accepts: Callable[[int, str], bool] = lambda status, media_type: status == 200


class Element:
    """An XML element; its name is as in the document, prefix and all, or "NAMESPACE NAME"."""

    __slots__ = ("attributes", "children", "name", "text")

    def __init__(self, name, attributes):
        self.name = name
        self.attributes = attributes
        self.children = []
        self.text = ""

    def all(self, name):
        return [child for child in self.children if child.name == name]

    def first(self, name):
        return next((child for child in self.children if child.name == name), None)

    def text_of(self, name):
        child = self.first(name)
        return None if child is None else child.text

    def below(self):
        for child in self.children:
            yield child
            yield from child.below()


@functools.lru_cache(maxsize=16)  # many clients get the same document, and none changes it
def parse(document, namespaces=False):
    """Returns the root element. With namespaces, names are "NAMESPACE NAME"."""
    parser = expat.ParserCreate(namespace_separator=" " if namespaces else None)
    parser.buffer_text = True
    top = Element("", {})
    path = [top]

    def start(name, attributes):
        element = Element(name, attributes)
        path[-1].children.append(element)
        path.append(element)

    def end(_):
        path.pop()

    def text(data):
        path[-1].text += data

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    try:
        parser.Parse(document, True)
    except expat.ExpatError as error:
        raise Refused(f"malformed XML: {error}") from error
    return top.children[0]


def descend(element, *names):
    """The element at the end of the path of first children; Refused where one is missing."""
    for name in names:
        element = element.first(name)
        if element is None:
            raise Refused(f"no {name}")
    return element


@functools.lru_cache(maxsize=None)
def domain_of(address):
    """The domain as a host name: in A-labels, its letters as typed where it has them already."""
    domain = address.rpartition("@")[2]
    return domain if domain.isascii() else domain.encode("idna").decode()


PLACEHOLDER = re.compile("%EMAIL(ADDRESS|LOCALPART|DOMAIN)%")


def fill_in(text, address, domain=None):
    """Replaces the three placeholders of autoconfig by parts of the address, once."""
    local, _, typed_domain = address.rpartition("@")
    values = {
        "%EMAILADDRESS%": address,
        "%EMAILLOCALPART%": local,
        "%EMAILDOMAIN%": typed_domain if domain is None else domain,
    }
    return PLACEHOLDER.sub(lambda match: values[match.group()], text)


class Server(NamedTuple):
    """A server of an autoconfig document, for clients that read them without great care."""

    kind: str
    hostname: str
    port: int
    security: str
    username: str

    def setting(self, username, host=None):
        return Setting(self.kind, host or self.hostname, self.port, self.security, username)


def server_of(element, address, securities):
    """The server, or None where something that it needs is missing or unknown."""
    hostname, port = element.text_of("hostname"), element.text_of("port") or ""
    security = securities.get(element.text_of("socketType"))
    username = element.text_of("username")
    if not hostname or not port.strip().isdigit() or not security or username is None:
        return None
    return Server(
        element.attributes.get("type"), hostname, int(port), security, fill_in(username, address)
    )


def servers(document, address, securities=None):
    """All usable servers of the first emailProvider, incoming ones first, in document order."""
    provider = descend(parse(document), "emailProvider")
    elements = provider.all("incomingServer") + provider.all("outgoingServer")
    found = (server_of(element, address, securities or SECURITY_OF) for element in elements)
    return [server for server in found if server]


def one_of_each(settings, kinds=("imap", "pop3", "smtp")):
    """The first setting of each kind; kinds are in the order of their first settings."""
    chosen = {}
    for setting in settings:
        if setting.kind in kinds:
            chosen.setdefault(setting.kind, setting)
    return list(chosen.values())


def require(settings, *kinds):
    """Refused, unless there is a setting of one of the kinds."""
    if not any(setting.kind in kinds for setting in settings):
        raise Refused(f"no {' or '.join(kinds)} server")


AUTOCONFIG_PATH = "/mail/config-v1.1.xml"
AUTODISCOVER_PATH = "/autodiscover/autodiscover.xml"


def autodiscover_body(address):
    """The request of MS-OXDSCLI 2.2.3, on one line, with the address as XML text."""
    schemas = "http://schemas.microsoft.com/exchange/autodiscover/outlook/"
    text = address.replace("&", "&amp;").replace("<", "&lt;")
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<Autodiscover xmlns="{schemas}requestschema/2006"><Request>'
        f"<EMailAddress>{text}</EMailAddress>"
        f"<AcceptableResponseSchema>{schemas}responseschema/2006a</AcceptableResponseSchema>"
        "</Request></Autodiscover>"
    ).encode()
