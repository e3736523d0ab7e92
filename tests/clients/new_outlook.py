"""New Outlook, through Microsoft's cloud: Autodiscover v2, in JSON.

The URL of ActiveSync ends its search; else it reads the document of Outlook where it is told that
this is.
"""
import json

from . import outlook
from .client import Place, Refused, is_url


def url_of(document, protocol):
    try:
        parsed = json.loads(document)
    except ValueError as error:
        raise Refused(f"no JSON: {error}") from error
    if not isinstance(parsed, dict) or str(parsed.get("Protocol")).lower() != protocol.lower():
        raise Refused("another protocol")
    url = parsed.get("Url")
    if not isinstance(url, str) or not is_url(url):
        raise Refused("no good Url")
    return url


def read(document, address, fetch):
    """fetch(url) gives Outlook's document there."""
    try:
        return [Place("activesync", url_of(document, "ActiveSync"), address)]
    except Refused:
        return outlook.read(fetch(url_of(document, "AutodiscoverV1")), address)
