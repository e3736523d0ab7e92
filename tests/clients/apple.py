"""A device of Apple: a configuration profile, signed or not.

What Apple documents as required must be there. UseSSL is off where it is absent, and with it the
port tells how a service encrypts. The first payload of each type counts.
"""
import plistlib
import re
import subprocess

from .client import PLAIN, STARTTLS, TLS, Place, Refused, Setting

WORDS = ("None", "Password", "CRAMMD5", "NTLM", "HTTPMD5")
AUTHENTICATIONS = {f"EmailAuth{word}" for word in WORDS}
PORTS = {"imap": (993, 143), "pop3": (995, 110), "smtp": (587, 25)}


def unwrap(document):
    if document[:1] != b"0":
        return document
    opened = subprocess.run(
        ["openssl", "cms", "-verify", "-noverify", "-binary", "-inform", "DER"],
        input=document, capture_output=True, check=False,
    )
    if opened.returncode:
        raise Refused("the signature is not right")
    return opened.stdout


def need(payload, key, kind=str):
    value = payload.get(key)
    if type(value) is not kind or value == "":
        raise Refused(f"no {key}")
    return value


def check(payload):
    for key in ("PayloadType", "PayloadIdentifier", "PayloadUUID"):
        need(payload, key)
    if need(payload, "PayloadVersion", int) != 1:
        raise Refused("another version")


def host_of(payload, key):
    host = need(payload, key)
    if not re.fullmatch("[A-Za-z0-9.-]+", host):
        raise Refused(f"no good {key}")
    return host


def port_of(payload, key, otherwise):
    port = need(payload, key, int) if key in payload else otherwise
    if not 0 < port < 65536:
        raise Refused(f"no good {key}")
    return port


def server(payload, prefix, kind, address):
    has_ssl = payload.get(f"{prefix}UseSSL", False) is True
    host = host_of(payload, f"{prefix}HostName")
    if need(payload, f"{prefix}Authentication") not in AUTHENTICATIONS:
        raise Refused("an authentication that it does not know")
    port = port_of(payload, f"{prefix}PortNumber", PORTS[kind][0 if has_ssl else 1])
    security = (STARTTLS if port in (143, 110, 25, 587) else TLS) if has_ssl else PLAIN
    return Setting(kind, host, port, security, payload.get(f"{prefix}Username") or address)


def mail(payload, address):
    kinds = {"EmailTypeIMAP": "imap", "EmailTypePOP": "pop3"}
    kind = kinds.get(payload.get("EmailAccountType"))
    if not kind:
        raise Refused("no EmailAccountType")
    yield server(payload, "IncomingMailServer", kind, address)
    yield server(payload, "OutgoingMailServer", "smtp", address)


def dav(payload, prefix, address):
    has_ssl = payload.get(f"{prefix}UseSSL", True) is True
    usual = 443 if has_ssl else 80
    host, port = host_of(payload, f"{prefix}HostName"), port_of(payload, f"{prefix}Port", usual)
    url = payload.get(f"{prefix}PrincipalURL") or "/"
    if url.startswith("/"):
        url = f"http{'s' * has_ssl}://{host}{'' if port == usual else f':{port}'}{url}"
    yield Place(prefix.lower(), url, payload.get(f"{prefix}Username") or address)


def settings(payload, address):
    check(payload)
    if payload["PayloadType"] == "com.apple.mail.managed":
        yield from mail(payload, address)
    if payload["PayloadType"] == "com.apple.caldav.account":
        yield from dav(payload, "CalDAV", address)
    if payload["PayloadType"] == "com.apple.carddav.account":
        yield from dav(payload, "CardDAV", address)


def read(document, address):
    try:
        profile = plistlib.loads(unwrap(document), fmt=plistlib.FMT_XML)
    except Refused:
        raise
    except Exception as error:  # plistlib has no exception of its own
        raise Refused(f"no property list: {error}") from error
    if not isinstance(profile, dict):
        raise Refused("no profile")
    check(profile)
    if profile["PayloadType"] != "Configuration":
        raise Refused("no profile")
    chosen = {}
    for payload in need(profile, "PayloadContent", list):
        for setting in settings(payload, address):
            chosen.setdefault(setting.kind, setting)
    if not chosen:
        raise Refused("no account")
    return list(chosen.values())
