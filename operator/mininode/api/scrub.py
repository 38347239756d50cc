"""Takes what looks like a secret out of text of others (Helm, a container, the API server) before people get to read it."""

import re
from collections.abc import Iterator

from mininode.api.inline_secrets import names_secret

GONE = "[hidden]"
_PEM = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?(-----END \1-----|$)", re.DOTALL)
# Names have a longest length: without one the time grows with the square of the text, and a program's last words can be long.
_URL_PASSWORD = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,31}://[^/\s:@]*:)[^/\s]+@")
_BEARER = re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]{6,}", re.IGNORECASE)
_JWT = re.compile(r"\beyJ[\w-]{8,}\.[\w-]+(\.[\w-]*)?")
_NAME = re.compile(r"""([A-Za-z][\w.-]{0,127})["']?\s*[:=]\s*""")
_VALUE = re.compile(r"""\[hidden\]|"[^"]*"|'[^']*'|[^\s"',;&)}\]]+""")


def scrubbed(text: str) -> str:
    """`text` without private keys, passwords in addresses, tokens, and values whose name says that they are secret."""
    text = _PEM.sub(GONE, text)
    text = _URL_PASSWORD.sub(rf"\g<1>{GONE}@", text)
    text = _BEARER.sub(rf"\g<1> {GONE}", text)
    text = _JWT.sub(GONE, text)
    return "".join(_pairs(text))


def _pairs(text: str) -> Iterator[str]:
    """The text in pieces, with what stands after a secret's name left out. Only names are searched: a value may be a name too."""
    done = 0
    for found in _NAME.finditer(text):
        if found.end() > done and names_secret(found[1]) and (value := _VALUE.match(text, found.end())):
            yield text[done : found.end()]
            yield GONE
            done = value.end()
    yield text[done:]
