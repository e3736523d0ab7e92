"""KMail: all servers of autoconfig, in order, so that the first of each kind is what it proposes.

It sends no address, and takes an answer only with status 200 exactly.
"""
from .client import AUTOCONFIG_PATH, Question, Reader, domain_of, one_of_each, require, servers


def ask(address):
    return Question("GET", f"autoconfig.{domain_of(address).lower()}", AUTOCONFIG_PATH)


def read(document, address):
    settings = [server.setting(server.username) for server in servers(document, address)]
    require(settings, "imap", "pop3")
    return one_of_each(settings)


READERS = (Reader("kmail", ask, read),)
