"""Random but valid providers, with what their people have to come to in the end.

The same seed gives the same providers. The rules by which an address leads to a login are written
here once more, from the manual, so that the server's own are held against them.
"""
import functools
import random
import re
from typing import NamedTuple

from .client import PLAIN, STARTTLS, TLS, fill_in
from .extras import Extras, Link, OAuth2, Pop3

# Kinds in the order of documents, and the schemes of their URLs.
SCHEMES = {
    ("imap", TLS): ("imaps", 993),
    ("imap", STARTTLS): ("imap+starttls", 143),
    ("imap", PLAIN): ("imap", 143),
    ("pop3", TLS): ("pop3s", 995),
    ("pop3", STARTTLS): ("pop3+starttls", 110),
    ("pop3", PLAIN): ("pop3", 110),
    ("jmap", TLS): ("jmap+https", 443),
    ("smtp", TLS): ("submissions", 465),
    ("smtp", STARTTLS): ("submission+starttls", 587),
    ("smtp", PLAIN): ("submission", 587),
    ("caldav", TLS): ("caldav+https", 443),
    ("carddav", TLS): ("carddav+https", 443),
}
KINDS = tuple(dict.fromkeys(kind for kind, _ in SCHEMES))
MAIL_KINDS = ("imap", "pop3", "smtp")
SECURITIES = (TLS, STARTTLS, PLAIN)
HTTP_KINDS = ("jmap", "caldav", "carddav")


class Service(NamedTuple):
    kind: str
    security: str
    host: str
    port: int
    login: str = None
    authentications: tuple = ("password-cleartext",)
    is_first: bool = False
    pop3: Pop3 = None

    @property
    def url(self):
        scheme, port = SCHEMES[self.kind, self.security]
        path = "/dav/" if self.kind in HTTP_KINDS else ""
        return f"{scheme}://{self.host}" + (f":{self.port}" if self.port != port else "") + path

    @property
    def rank(self):
        return KINDS.index(self.kind), not self.is_first, SECURITIES.index(self.security)


class Provider(NamedTuple):
    name: str
    services: tuple  # in the order of documents
    display_name: str = None
    login: str = "%EMAILADDRESS%"
    login_case: str = "lower"
    delimiter: str = "+"
    oauth2: OAuth2 = None
    webmail: str = None
    links: tuple = ()

    @property
    def extras(self):
        """As an autoconfig document has them."""
        return Extras(
            tuple(service.pop3 for service in self.services if service.kind == "pop3"),
            self.oauth2,
            self.webmail,
            tuple(sorted(self.links, key=lambda link: link.kind)),
        )


class User(NamedTuple):
    local: str  # "" is the catch-all
    login: str
    provider: Provider = None


class Domain(NamedTuple):
    """A domain with its people, and the addresses that are asked for there."""

    name: str
    provider: Provider
    users: tuple = ()
    alias: str = None
    addresses: tuple = ()

    def user_of(self, address):
        local = address.rpartition("@")[0].lower()
        for wanted in (local, without_tag(local, self.provider.delimiter), ""):
            for user in self.users:
                if user.local == wanted:
                    return user
        return None


class Candidate(NamedTuple):
    """A service as it is for one address: what a client that reads all of it would find."""

    kind: str
    host: str
    port: int
    security: str
    username: str
    authentications: tuple


def in_order(services):
    """As the server sorts them; equal ones keep their order."""
    return tuple(sorted(services, key=lambda service: service.rank))


def without_tag(local, delimiter):
    for at, character in enumerate(local):
        if at > 0 and character in delimiter:
            return local[:at]
    return local


@functools.lru_cache(maxsize=None)
def a_labels(domain):
    return domain.encode("idna").decode().lower()


def canonical(address, provider):
    """The address as patterns see it: without its tag, in the provider's letter case."""
    local, _, domain = address.rpartition("@")
    local = without_tag(local, provider.delimiter)
    return f"{local.lower() if provider.login_case == 'lower' else local}@{a_labels(domain)}"


def candidates_of(domain, provider, login, login_address):
    """The services of a provider with the names that their patterns give to an address."""
    found = []
    for service in provider.services:
        pattern = service.login or "%LOGIN%"
        username = "".join(
            login if part == "%LOGIN%" else fill_in(part, login_address)
            for part in re.split("(%LOGIN%)", pattern)
        )
        found.append(
            Candidate(
                service.kind,
                service.host.replace("%EMAILDOMAIN%", a_labels(domain)),
                service.port,
                service.security,
                username,
                service.authentications,
            )
        )
    return found


class Case:
    """An address of a domain, and what it comes to in three degrees of knowledge about it."""

    def __init__(self, domain, address):
        self.domain = domain
        self.address = address

    @functools.cached_property
    def candidates(self):
        """All is known, also the person's row."""
        user = self.domain.user_of(self.address)
        provider = user.provider if user and user.provider else self.domain.provider
        plain = canonical(self.address, provider)
        login = user.login if user else fill_in(provider.login, plain)
        return candidates_of(self.domain.name, provider, login, plain)

    @functools.cached_property
    def without_row(self):
        """The domain's pattern makes the login."""
        provider = self.domain.provider
        plain = canonical(self.address, provider)
        return candidates_of(self.domain.name, provider, fill_in(provider.login, plain), plain)

    @functools.cached_property
    def as_typed(self):
        """A client makes it from the pattern and the address as it was typed."""
        provider = self.domain.provider
        login = fill_in(provider.login, self.address)
        return candidates_of(self.domain.name, provider, login, self.address)


DISPLAY_NAMES = (
    None,
    "Example Mail",
    "Post & Sons <mail>",
    "\"Double\" and 'single'",
    "]]> <!-- not a comment --> <![CDATA[",
    "&amp; &#60; &unknown;",
    "{{domain}} {{#imap}}",
    "Пример \u00e9t\u00e9 \u6f22\u5b57 \U0001f4e7",
    "007",
    "true",
)
LOGIN_PATTERNS = (
    "%EMAILADDRESS%",
    "%EMAILADDRESS%",
    "%EMAILADDRESS%",
    "%EMAILLOCALPART%",
    "%EMAILLOCALPART%",
    "%EMAILLOCALPART%.%EMAILDOMAIN%",
    "UNI\\%EMAILLOCALPART%",
    "u&i-%EMAILLOCALPART%",
)
SERVICE_PATTERNS = (
    "%LOGIN%",
    "UNI\\%LOGIN%",
    "%EMAILLOCALPART%",
    "%EMAILADDRESS%",
    "smtp/%LOGIN%/<%EMAILDOMAIN%>",
)
AUTHENTICATIONS = (
    ("OAuth2", "password-cleartext"),
    ("password-encrypted", "password-cleartext"),
    ("OAuth2",),
    ("GSSAPI",),
    ("NTLM", "password-encrypted"),
)
LOGINS = (
    "a4711",
    "4711",
    "007",
    "1e5",
    "TRUE",
    "o'x & <co>",
    "EXAMPLE\\x1",
    "\u00fcser",
    "x@y.test",
)
LANGUAGES = ("en", "de", "pt-br", "zh-hant-tw", "gsw")
PAGES = (
    "https://help.example.org/",
    "https://help.example.org:8443/mail?a=b&c=%41#top",
    "https://xn--bcher-kva.example",
    "http://old.example.net/setup",
)
TEXTS = tuple(name for name in DISPLAY_NAMES if name) + ("x" * 500,)
LOCALS = ("alice", "first.last", "o'x", "j_x-y", "007", "x", "info", "b=c!d")
DOMAINS = (
    "d{}.example",
    "mail.d{}.test",
    "{}.d.invalid",
    "b\u00fccher{}.example",
    "x-{}.example.org",
)
ODD_PORTS = (25, 110, 143, 587, 993, 995, 465, 1143, 2525, 40993)


class Generator:
    """Makes the domains of one seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        # What no client takes for a setting leaves the choice of settings as it is.
        self.beside = random.Random(f"{seed} beside")

    def chance(self, percent):
        return self.random.randrange(100) < percent

    def host(self, kind, number):
        return self.random.choice(
            (
                f"{kind}.d{number}.example",
                f"mx{number % 7}.hoster.example",
                f"{kind}.%EMAILDOMAIN%",
                "%EMAILDOMAIN%",
                "xn--mnchen-3ya.example",
            )
        )

    def service(self, kind, number, is_plaintext_allowed):
        security = TLS
        if kind in MAIL_KINDS:
            weights = (60, 35, 5 if is_plaintext_allowed else 0)
            security = self.random.choices(SECURITIES, weights)[0]
        port = SCHEMES[kind, security][1]
        return Service(
            kind,
            security,
            self.host(kind, number),
            self.random.choice(ODD_PORTS) if self.chance(12) else port,
            self.random.choice(SERVICE_PATTERNS) if self.chance(15) else None,
            self.random.choice(AUTHENTICATIONS) if self.chance(10) else ("password-cleartext",),
            pop3=self.pop3() if kind == "pop3" else None,
        )

    def pop3(self):
        leave = self.beside.choice((None, True, False))
        days = self.beside.choice((None, 1, 14, 3650)) if leave else None
        wishes = Pop3(
            leave, days, self.beside.choice((None, 1, 15, 1440)), self.beside.choice((None, True, False))
        )
        return None if wishes == Pop3() else wishes

    def oauth2(self):
        if self.beside.randrange(3):
            return None
        return OAuth2(
            self.beside.choice(("https://login.example.org/realm?a&b", "login.example.org")),
            self.beside.choice(("imap", "https://mail.example.org/ offline_access", "<a>&amp; b")),
            "https://login.example.org/auth?a=b&c",
            "https://login.example.org:8443/token",
        )

    def links(self):
        pages = [(kind, url) for kind in ("documentation", "enable") for url in PAGES]
        for kind, url in self.beside.sample(pages, self.beside.choice((0, 0, 1, 2, 5))):
            languages = self.beside.sample(LANGUAGES, self.beside.randrange(4))
            yield Link(kind, url, tuple((name, self.beside.choice(TEXTS)) for name in languages))

    def services(self, number):
        is_plaintext_allowed = self.chance(20)
        counts = {
            "imap": self.random.choice((0, 1, 1, 1, 1, 2, 3)),
            "pop3": self.random.choice((0, 0, 1, 1, 2)),
            "smtp": self.random.choice((1, 1, 1, 2, 2, 3)),
            "jmap": self.chance(5),
            "caldav": self.chance(8),
            "carddav": self.chance(8),
        }
        if counts["imap"] + counts["pop3"] == 0:
            counts["imap"] = 1
        found = {}
        for kind in KINDS:
            for _ in range(counts[kind]):
                service = self.service(kind, number, is_plaintext_allowed)
                found.setdefault(service.url, service)
            if self.chance(10):
                self.put_one_first(found, kind)
        return in_order(found.values())

    def put_one_first(self, services, kind):
        urls = [url for url, service in services.items() if service.kind == kind]
        if urls:
            url = self.random.choice(urls)
            services[url] = services[url]._replace(is_first=True)

    def provider(self, number, name=None):
        return Provider(
            name or f"p{number}",
            self.services(number),
            self.random.choice(DISPLAY_NAMES),
            self.random.choice(LOGIN_PATTERNS),
            "keep" if self.chance(15) else "lower",
            self.random.choice(("+", "+", "+", "", "-", "+-")),
            self.oauth2(),
            self.beside.choice((None, None, "https://mail.example.org/?a=b&c#login")),
            tuple(self.links()),
        )

    def users(self, number):
        found = {}
        for local in self.random.sample(LOCALS, self.random.randrange(4)):
            found[local] = User(local, self.random.choice(LOGINS))
            if self.chance(5):
                found[f"{local}+news"] = User(f"{local}+news", "reader")
            if self.chance(5):
                other = self.provider(number, f"p{number}-{local}")
                found[local] = found[local]._replace(provider=other)
        if self.chance(5):
            found[""] = User("", "everybody")
        return tuple(found.values())

    def address(self, domain, users):
        """An address as somebody might type it; every second one is somebody's with a row."""
        locals_ = [user.local for user in users if user.local]
        if not locals_ or self.chance(50):
            locals_ = LOCALS
        local = self.random.choice(locals_)
        form = self.random.randrange(6)
        if form == 0:
            local = local.upper()
        elif form == 1:
            local, domain = local.title(), domain.upper() if domain.isascii() else domain
        elif form == 2:
            local += "+news"
        elif form == 3 and not domain.isascii():
            domain = a_labels(domain)
        return f"{local}@{domain}"

    def domain(self, number):
        name = DOMAINS[number % len(DOMAINS)].format(number)
        users = self.users(number)
        return Domain(
            name,
            self.provider(number),
            users,
            f"alias{number}.example" if self.chance(10) else None,
            tuple(dict.fromkeys(self.address(name, users) for _ in range(3))),
        )

    def domains(self, count):
        """That many domains with a provider each, and what is an alias of them."""
        for number in range(count):
            domain = self.domain(number)
            yield domain
            if domain.alias:
                yield domain._replace(
                    name=domain.alias,
                    addresses=tuple(
                        f"{address.rpartition('@')[0]}@{domain.alias}"
                        for address in domain.addresses
                    ),
                )
