"""A client of PACC: implicit TLS on the usual port, and the address as the login.

Whether the document is believed, its digest in DNS says.
"""
import json
import re

from .client import TLS, Place, Refused, Setting, is_url

PORTS = {"imap": 993, "pop3": 995, "submit": 465, "managesieve": 4190}
NAMES = {"submit": "smtp"}


def entry(protocols, name, address):
    value = protocols[name]
    place = value.get("host" if name in PORTS else "url") if isinstance(value, dict) else None
    good = isinstance(place, str) and (
        re.fullmatch("[A-Za-z0-9.-]+", place) if name in PORTS else is_url(place)
    )
    if not good:
        raise Refused(f"no good {name}")
    if name in PORTS:
        return Setting(NAMES.get(name, name), place, PORTS[name], TLS, address)
    return Place(name, place, address)


def read(document, address):
    try:
        parsed = json.loads(document)
    except ValueError as error:
        raise Refused(f"no JSON: {error}") from error
    if not isinstance(parsed, dict) or not isinstance(parsed.get("info"), dict):
        raise Refused("no info")
    protocols = parsed.get("protocols")
    if not isinstance(protocols, dict):
        raise Refused("no protocols")
    known = (*PORTS, "jmap", "caldav", "carddav", "webdav")
    found = [entry(protocols, name, address) for name in known if name in protocols]
    if not found:
        raise Refused("no service")
    return found
