"""Geary: host, port and security of the first IMAP and the first SMTP server of autoconfig.

It sends no address, keeps the letters of the domain as typed in the Host, replaces nothing in host
names, fails without an IMAP server, and takes the address for the user name.
"""
from .client import AUTOCONFIG_PATH, Question, Reader, domain_of, one_of_each, require, servers


def ask(address):
    return Question("GET", f"autoconfig.{domain_of(address)}", AUTOCONFIG_PATH)


def read(document, address):
    settings = [server.setting(address) for server in servers(document, address)]
    require(settings, "imap")
    return one_of_each(settings, ("imap", "smtp"))


READERS = (Reader("geary", ask, read),)
