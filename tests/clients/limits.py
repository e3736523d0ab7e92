"""What a format cannot say, or a client cannot hear: the only differences that are accepted.

Each limit names its readers, and turns what the person should come to into what the client will
make of the document instead, exactly. mailconfd-clients(7) tells admins the same in words.
"""
from typing import Callable, NamedTuple

from . import deltachat, evolution, fairemail, geary, generator, jxon, kmail, nextcloud, outlook
from . import thunderbird, thunderbird_android
from .client import AUTOMATIC, PLAIN, STARTTLS, TLS, Refused, Setting, one_of_each

READERS = tuple(
    reader
    for client in (
        thunderbird, thunderbird_android, fairemail, nextcloud, kmail, evolution, geary, deltachat,
        outlook,
    )
    for reader in client.READERS
)

AUTOCONFIG_READERS = tuple(
    reader
    for reader in READERS
    if not reader.name.endswith(" pox") and not reader.name.startswith("outlook")
)

WITHOUT_ADDRESS = ("thunderbird android", "kmail", "evolution", "geary", "deltachat pox")


class Limit(NamedTuple):
    words: str
    readers: tuple
    change: Callable[[generator.Case, list], list]  # of candidates, or Refused


def refuse_non_ascii(case, candidates):
    if not case.address.rpartition("@")[2].isascii():
        raise Refused("domain not in ASCII")
    return candidates


def ignore_row(case, _):
    return case.without_row


def put_in_what_was_typed(case, _):
    return case.as_typed


def take_address(case, candidates):
    return [candidate._replace(username=case.address) for candidate in candidates]


def take_last(_, candidates):
    return candidates[::-1]


def know_no_pop3(_, candidates):
    return [candidate for candidate in candidates if candidate.kind != "pop3"]


def need_imap(_, candidates):
    if all(candidate.kind != "imap" for candidate in candidates):
        raise Refused("no IMAP")
    return candidates


def refuse_plaintext(_, candidates):
    if any(c.security == PLAIN for c in candidates if c.kind in ("imap", "smtp")):
        raise Refused("plaintext")
    return candidates


def refuse_authentications(_, candidates):
    known = {"OAuth2", "password-cleartext", "password-encrypted"}
    if any(not known & set(c.authentications) for c in candidates if c.kind in ("imap", "smtp")):
        raise Refused("authentication")
    return candidates


def drop_oauth2_alone(_, candidates):
    kept = [c for c in candidates if set(c.authentications) != {"OAuth2"}]
    kinds = {candidate.kind for candidate in kept}
    if "smtp" not in kinds or not kinds & {"imap", "pop3"}:
        raise Refused("no server is left")
    return kept


def read_numbers(_, candidates):
    def login(text):
        if text.lower() in ("true", "false"):
            return text.lower()
        return jxon.number_text(jxon.parse_float(text)) if jxon.is_finite(text) else text

    return [c._replace(username=login(c.username)) for c in candidates]


def read_written_out_numbers(case, candidates):
    """As read_numbers(), but for names that autoconfig has as a placeholder."""
    local = case.address.rpartition("@")[0]
    return [
        c if c.username == local else read_numbers(case, [c])[0] for c in candidates
    ]


def take_last_login(_, candidates):
    """Documents have incoming servers, outgoing ones, JMAP, and then what is beside mail."""
    groups = (("imap", "pop3"), ("smtp",), ("jmap",), ("caldav", "carddav"))
    order = [kind for group in groups for kind in group]
    last = max(enumerate(candidates), key=lambda pair: (order.index(pair[1].kind), pair[0]))[1]
    return [candidate._replace(username=last.username) for candidate in candidates]


def go_by_port(starttls):
    def change(_, candidates):
        return [
            c._replace(security=STARTTLS if (c.kind, c.port) in starttls else TLS)
            for c in candidates
        ]

    return change


def unless_plain(change):
    def changed(case, candidates):
        return [
            c if c.security == PLAIN else change(case, [c])[0] for c in candidates
        ]

    return changed


def find_out(_, candidates):
    return [candidate._replace(security=AUTOMATIC) for candidate in candidates]


def take_starttls_for_tls(_, candidates):
    return [candidate._replace(security=TLS) for candidate in candidates]


THUNDERBIRD_PORTS = {
    (kind, port) for kind in ("imap", "pop3", "smtp") for port in thunderbird.STARTTLS_PORTS
}

EXPRESSIBLE = (
    Limit(
        "Thunderbird refuses a domain typed in letters that are not ASCII",
        ("thunderbird", "thunderbird pox"),
        refuse_non_ascii,
    ),
    Limit(
        "who sends no address, or hides it, gets nobody's own login or servers",
        WITHOUT_ADDRESS,
        ignore_row,
    ),
    Limit(
        "who replaces placeholders puts in what was typed: capitals, tag, letters of the domain",
        WITHOUT_ADDRESS,
        put_in_what_was_typed,
    ),
    Limit("Evolution takes the last server of each type", ("evolution",), take_last),
    Limit(
        "some take the address for the user name, whatever the document says",
        ("geary", "fairemail pox", "deltachat pox"),
        take_address,
    ),
    Limit(
        "some know no POP3",
        (
            "thunderbird android", "fairemail", "fairemail pox", "nextcloud", "geary", "deltachat",
            "deltachat pox",
        ),
        know_no_pop3,
    ),
    Limit(
        "and want IMAP",
        (
            "thunderbird android", "fairemail", "fairemail pox", "nextcloud", "geary", "deltachat",
            "deltachat pox",
        ),
        need_imap,
    ),
    Limit(
        "Thunderbird for Android refuses all where one IMAP or SMTP service is in the clear",
        ("thunderbird android",),
        refuse_plaintext,
    ),
    Limit(
        "Thunderbird for Android refuses all where one has neither a password nor OAuth2",
        ("thunderbird android",),
        refuse_authentications,
    ),
    Limit(
        "Thunderbird drops a server with nothing but OAuth2 that it has no details of",
        ("thunderbird",),
        drop_oauth2_alone,
    ),
    Limit(
        "Thunderbird reads a user name that looks like a number or a Boolean as such",
        ("thunderbird",),
        read_written_out_numbers,
    ),
    Limit(
        "the same in Outlook's document, which has no placeholders",
        ("thunderbird pox",),
        read_numbers,
    ),
    Limit(
        "FairEmail takes the last user name of the document for all services",
        ("fairemail",),
        take_last_login,
    ),
    Limit(
        "in Outlook's document Thunderbird goes by the port: 143, 110, 25, 587 are STARTTLS",
        ("thunderbird pox",),
        unless_plain(go_by_port(THUNDERBIRD_PORTS)),
    ),
    Limit(
        "in Outlook's document FairEmail goes by the port, and knows nothing in the clear",
        ("fairemail pox",),
        go_by_port(fairemail.STARTTLS_PORTS),
    ),
    Limit(
        "in Outlook's document Delta Chat finds out itself how a service encrypts",
        ("deltachat pox",),
        unless_plain(find_out),
    ),
    Limit(
        "Outlook 2007 knows no STARTTLS, and tries implicit TLS",
        ("outlook 2007",),
        unless_plain(take_starttls_for_tls),
    ),
)


def choose(candidates):
    """The first of each kind of mail service, in the order of documents."""
    settings = one_of_each([Setting(*candidate[:5]) for candidate in candidates])
    return sorted(settings, key=lambda setting: generator.MAIL_KINDS.index(setting.kind))


def expect(reader, case, note):
    """What the reader makes of the case, or Refused. Calls note(limit, reader's name) for each
    limit that shows."""
    candidates = case.candidates
    for limit in EXPRESSIBLE:
        if reader.name not in limit.readers:
            continue
        try:
            changed = limit.change(case, candidates)
        except Refused:
            note(limit, reader.name)
            raise
        if changed != candidates and choose(changed) != choose(candidates):
            note(limit, reader.name)
        candidates = changed
    return choose(candidates)
