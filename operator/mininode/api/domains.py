"""What is wrong with a domain, in words: the one field that everybody fills in, and often wrongly."""

import ipaddress
import re

from mininode.api.spec import is_domain

_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://")
_RESERVED = ("example", "test", "invalid", "localhost")  # RFC 2606: no public name ends so
_PRIVATE = ("local", "lan", "internal", "intranet", "home", "corp")  # names that no public authority vouches for
_LABEL, _NAME = 63, 253  # characters, RFC 1035


def explain(text: str) -> tuple[str, str]:
    """What is wrong with `text` as the node's domain, and what to write instead."""
    name, faults = _stripped(text)
    if _is_address(name):
        return f"{text!r} is an IP address", "A node needs a name: ask for a DNS entry such as node.hospital.example"
    faults += _faults_of_name(name)
    if name.count(".") == 0 and name:
        faults.append("has one part only")
    better = name.lower().replace("_", "-")
    if not faults:
        faults.append("is no DNS name")
    advice = f"Write {better}" if is_domain(better) else "Write the full public name, such as node.hospital.example"
    shown = text if len(text) <= _LABEL else text[: _LABEL - 1] + "…"
    return f"{shown!r} {', '.join(faults)}", advice


def unreachable(domain: str) -> str:
    """Why nobody outside can reach this name, in a sentence; empty when there is no such reason."""
    top = domain.rpartition(".")[2]
    if top in _RESERVED:
        return f"names under .{top} are for examples and tests: fine for a rehearsal, not for a node that people use"
    if top in _PRIVATE:
        return f"names under .{top} are known inside your own network only"
    return ""


def _stripped(text: str) -> tuple[str, list[str]]:
    """`text` less what surrounds a name in an address, and what that was."""
    faults = []
    name = text.strip()
    if name != text:
        faults.append("has spaces around it")
    if scheme := _SCHEME.match(name):
        name = name[scheme.end() :]
        faults.append(f"begins with {scheme[0]}")
    if "/" in name:
        name = name.partition("/")[0]
        faults.append("has a path ('/')")
    if (port := re.search(r":[0-9]*$", name)) and not _is_address(name):
        name = name[: port.start()]
        faults.append(f"has a port ({port[0]})")
    if name.endswith("."):
        name = name.rstrip(".")
        faults.append("ends with a dot")
    return name, faults


def _faults_of_name(name: str) -> list[str]:
    labels = name.split(".")
    checks = (
        (not name, "is empty"),
        (not name.isascii(), "has characters other than a-z: write it in its xn-- form"),
        (name != name.lower(), "has upper case"),
        ("_" in name, "has an underscore"),
        ("*" in name, "has a wildcard ('*')"),
        (re.search(r"\s", name) is not None, "has a space in it"),
        ("@" in name, "has an '@': it looks like an e-mail address"),
        (name != "" and any(not label for label in labels), "has an empty part ('..')"),
        (
            any(label.startswith("-") or label.endswith("-") for label in labels),
            "has a part that begins or ends with '-'",
        ),
        (any(len(label) > _LABEL for label in labels), f"has a part of more than {_LABEL} characters"),
        (len(name) > _NAME, f"has more than {_NAME} characters"),
        (len(labels) > 1 and labels[-1][:1].isdigit(), "ends with a part that begins with a digit"),
    )
    return [fault for wrong, fault in checks if wrong]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return re.fullmatch(r"[0-9]+(\.[0-9]+){3}", text) is not None
    return True
