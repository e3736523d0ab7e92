"""How Thunderbird on the desktop turns XML into JavaScript values (JXON).

Names are those in the document, prefixes included. Text is not trimmed. Text that is true or false
in any letter case becomes a boolean, text for which isFinite() holds a number. An empty element is
true. An element with an attribute and text is an object, and so is one with children.
"""
import math
import re
from decimal import Decimal

OBJECT = object()

# StrWhiteSpaceChar of ECMA-262: what isFinite() and parseFloat() pass over.
BLANKS = " \t\n\r\v\f\u00a0\u2028\u2029\ufeff"
DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
PREFIXED = re.compile(r"0([xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")


def is_finite(text):
    """JavaScript's isFinite() of a text; the empty one counts, being 0."""
    text = text.strip(BLANKS)
    if DECIMAL.fullmatch(text):
        return math.isfinite(float(text))
    return text == "" or bool(PREFIXED.fullmatch(text))


def parse_float(text):
    """JavaScript's parseFloat() of a text that is_finite() holds for: a prefix is not known to it,
    so 0x10 is 0."""
    match = DECIMAL.match(text.strip(BLANKS))
    return float(match.group()) if match else 0.0


def number_text(number):
    """A number as JavaScript writes it: 7, 0.5, 100000, 1e+21."""
    if number == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    digits = "".join(map(str, digits))
    point = len(digits) + exponent
    if -6 < point <= 21:
        if point <= 0:
            text = "0." + "0" * -point + digits
        elif point >= len(digits):
            text = digits + "0" * (point - len(digits))
        else:
            text = f"{digits[:point]}.{digits[point:]}"
    else:
        fraction = f".{digits[1:]}" if len(digits) > 1 else ""
        text = f"{digits[0]}{fraction}e{point - 1:+d}"
    return "-" * sign + text


def value(element):
    """What an element is to JavaScript; None for a missing one (undefined)."""
    if element is None:
        return None
    if element.children:
        return OBJECT
    if element.text == "":
        return OBJECT if element.attributes else True
    if element.attributes:
        return OBJECT
    if element.text.lower() in ("true", "false"):
        return element.text.lower() == "true"
    if is_finite(element.text):
        return parse_float(element.text)
    return element.text


def string(element):
    """The element where a string is wanted."""
    found = value(element)
    if found is None:
        return "undefined"
    if found is OBJECT:
        return "[object Object]"
    if isinstance(found, bool):
        return "true" if found else "false"
    return number_text(found) if isinstance(found, float) else found
