"""Evolution: the last server of each type of autoconfig.

It asks for EVOLUTIONUSER instead of the local part, and the MD5 sum of the whole address beside it;
EVOLUTIONUSER in the answer becomes the local part again. The Host has the letters that were typed.
%EMAILDOMAIN% in a host name comes to nothing.
"""
import hashlib

from .client import (
    AUTOCONFIG_PATH,
    Question,
    Reader,
    domain_of,
    fill_in,
    one_of_each,
    require,
    servers,
)

LOCAL_PART = "EVOLUTIONUSER"


def ask(address):
    domain = domain_of(address)
    digest = hashlib.md5(address.encode(), usedforsecurity=False).hexdigest()
    query = f"emailaddress={LOCAL_PART}%40{domain}&emailmd5={digest}"
    return Question("GET", f"autoconfig.{domain}", f"{AUTOCONFIG_PATH}?{query}")


def read(document, address):
    local = address.rpartition("@")[0]
    found = [
        server.setting(
            server.username.replace(LOCAL_PART, local), fill_in(server.hostname, address, domain="")
        )
        for server in servers(document, address)
    ]
    require(found, "imap", "pop3")
    return one_of_each(reversed(found))[::-1]


READERS = (Reader("evolution", ask, read),)
