"""What an autoconfig document says beside its servers: read strictly, with a parser of its own."""
import xml.etree.ElementTree as tree
from typing import NamedTuple


class Pop3(NamedTuple):
    """What a POP3 client should do; None leaves it to the client."""

    leave_on_server: bool = None
    leave_days: int = None
    check_interval: int = None
    download_at_check: bool = None


class OAuth2(NamedTuple):
    issuer: str
    scope: str
    auth_url: str
    token_url: str


class Link(NamedTuple):
    kind: str
    url: str
    texts: tuple = ()  # of (language, text)


class Extras(NamedTuple):
    pop3: tuple = ()  # one for each POP3 server, None where it has none
    oauth2: OAuth2 = None
    webmail: str = None
    links: tuple = ()  # documentation first


def only(elements):
    """The one element there is, or None."""
    elements = list(elements)
    assert len(elements) <= 1, f"{len(elements)} {elements[0].tag}"
    return elements[0] if elements else None


def truth(text):
    return None if text is None else {"true": True, "false": False}[text]


def pop3_of(server):
    element = only(server.findall("pop3"))
    if element is None:
        return None
    interval, days = element.find("checkInterval"), element.findtext("daysToLeaveMessagesOnServer")
    return Pop3(
        truth(element.findtext("leaveMessagesOnServer")),
        None if days is None else int(days),
        None if interval is None else int(interval.get("minutes")),
        truth(element.findtext("downloadOnBiff")),
    )


def oauth2_of(element):
    if element is None:
        return None
    return OAuth2(*(element.findtext(name) for name in ("issuer", "scope", "authURL", "tokenURL")))


def links_of(provider):
    for name, url, text in (
        ("documentation", "url", "descr"),
        ("enable", "visiturl", "instruction"),
    ):
        for element in provider.findall(name):
            texts = ((child.get("lang"), child.text) for child in element.findall(text))
            yield Link(name, element.get(url), tuple(texts))


def read(document):
    root = tree.fromstring(document)
    provider = only(root.findall("emailProvider"))
    servers = provider.findall("incomingServer[@type='pop3']")
    webmail = only(root.findall("webMail"))
    return Extras(
        tuple(pop3_of(server) for server in servers),
        oauth2_of(only(root.findall("oAuth2"))),
        None if webmail is None else only(webmail.findall("loginPage")).get("url"),
        tuple(links_of(provider)),
    )
