"""A phone with ActiveSync: its own document (MS-ASCMD 2.2.1.1), by namespaces.

Of the servers the first of Type MobileSync counts. It logs in as the User of the document, or as
the address that was typed.
"""
from .client import Place, Redirect, Refused, descend, is_url, parse

SCHEMAS = "http://schemas.microsoft.com/exchange/autodiscover/"
OUTER = f"{SCHEMAS}responseschema/2006 "
INNER = f"{SCHEMAS}mobilesync/responseschema/2006 "


def url_of(settings):
    for server in settings.all(INNER + "Server"):
        if server.text_of(INNER + "Type") == "MobileSync" and server.first(INNER + "Url"):
            return server.text_of(INNER + "Url")
    raise Refused("no server for ActiveSync")


def login_of(response, address):
    user = response.first(INNER + "User")
    return (user and user.text_of(INNER + "EMailAddress")) or address


def read(document, address):
    root = parse(document, namespaces=True)
    if root.name != OUTER + "Autodiscover" or root.first(OUTER + "Response"):
        raise Refused("no document for phones")
    response = descend(root, INNER + "Response")
    action = descend(response, INNER + "Action")
    if action.text_of(INNER + "Redirect"):
        return [Redirect(action.text_of(INNER + "Redirect"))]
    url = url_of(descend(action, INNER + "Settings"))
    if not is_url(url):
        raise Refused("no good Url")
    return [Place("activesync", url, login_of(response, address))]
