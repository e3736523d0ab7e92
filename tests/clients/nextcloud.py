"""Nextcloud Mail: the first IMAP and the first SMTP server of autoconfig.

The address goes into the query as it is. A socketType TLS is taken for STARTTLS.
"""
from .client import (
    AUTOCONFIG_PATH,
    SECURITY_OF,
    STARTTLS,
    Question,
    Reader,
    domain_of,
    one_of_each,
    require,
    servers,
)


def ask(address):
    host = f"autoconfig.{domain_of(address).lower()}"
    return Question("GET", host, f"{AUTOCONFIG_PATH}?emailaddress={address}")


def read(document, address):
    securities = {**SECURITY_OF, "TLS": STARTTLS}
    settings = [
        server.setting(server.username) for server in servers(document, address, securities)
    ]
    require(settings, "imap")
    return one_of_each(settings, ("imap", "smtp"))


READERS = (Reader("nextcloud", ask, read),)
