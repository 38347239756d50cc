"""Configurations with mistakes of every kind: each is accepted, or refused with advice; never a traceback, never a secret.

usage: configs.py [--count 100000] [--seed 1] [--processes 2]
"""

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from typing import Any

import yaml

from mininode.api.config import parse_config
from mininode.components.registry import all_components
from mininode.errors import ConfigError

SECRET = "PLAINTEXT-7f3a9"  # noqa: S105 - planted, to be seen in no message
EXAMPLE = (Path(__file__).parents[2] / "config.example.yaml").read_text("utf-8")
BASE = f"""\
name: node
namespace: eucaim-node
node:
  profile: micro
  domain: node.hospital.eu
  siteName: "Hospital, Radiology" # as people read it
  contact: it@hospital.eu
  exposure:
    mode: gateway
    className: hospital-gateway
  tls:
    mode: provided
    certificateRef: {{name: node-certificate, key: tls.crt}}
    privateKeyRef: {{name: node-certificate, key: tls.key}}
  storage:
    hostPath: /srv/eucaim
    sizes: {{database: 10Gi, datalake: 1Ti}}
  identity:
    mfa: required
    admins: [ada@hospital.eu]
    smtp: {{host: mail.hospital.eu, sender: node@hospital.eu}}
    providers:
      - {{alias: h, kind: oidc, issuer: "https://login.hospital.eu/realms/x", clientId: n, clientSecretRef: {{name: a, key: b}}}}
  components:
    keycloak:
      image: registry.hospital.eu/keycloak:26.7.3
      resources: {{limits: {{memory: 2Gi}}}}
      values: {{logLevel: DEBUG, adminPassword: {SECRET}}}
  imageMirror: registry.hospital.eu/eucaim
  driftCorrection: Warn
  suspend: false
"""
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 10**30, 1.5, float("inf"), "", " ", "x", "yes", "node", "a" * 5000, "ä", "日本", "☃", "a\nb",
    "a\tb", "-",
    "10Gi", "https://x", "192.0.2.1", "::1", "../x", "/", "C:\\x", "{{ x }}", "${X}", "%s", "<script>", "'", '"', [], {}, [[]],
    [None],
    {"": ""}, {"name": None}, {"name": "x", "key": "y"}, ["a", {"b": [1]}], {"x": {"y": {"z": 1}}}, "2026-01-01", "0x1f", "1e3",
    "~", "012",
)  # fmt: skip
FRAGMENTS = (
    "\t", " ", "  ", ":", ": ", "#", " #", "-", "- ", "'", '"', "{", "}", "[", "]", ",", "&a ", "*a", "<<: *a",
    "!!python/object:os.system x",
    "!x ", "|", ">", "%YAML 1.1\n", "---\n", "...\n", "\0", "\x07", "\ufeff", "\u2028", "\x85", "é", "\U0001f9ec", "\r", "\r\n",
    "? ", "@", "`",
    f"password: {SECRET}\n", "yes", "null", "0o7", "1:30", "  node:\n",
)  # fmt: skip

Mutation = Callable[[random.Random, str], str | bytes]


def _positions(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, child in items:
        found += _positions(child, (*path, key))
    return found


def _parent(data: Any, path: tuple[Any, ...]) -> Any:
    for part in path[:-1]:
        data = data[part]
    return data


def structure(chance: random.Random, text: str) -> str:
    """One to four changes to the tree: a value replaced, a key gone, misspelt, or moved to where it does not belong."""
    data = yaml.safe_load(text)
    for _ in range(chance.randint(1, 4)):
        places = _positions(data)
        if not places:
            break
        path = chance.choice(places)
        parent, key = _parent(data, path), path[-1]
        match chance.randrange(5):
            case 0 | 1:
                parent[key] = chance.choice(VALUES)
            case 2:
                del parent[key]
            case 3 if isinstance(parent, dict):
                parent[_misspelt(chance, str(key))] = parent.pop(key)
            case _:
                other = _parent(data, chance.choice(places))
                if isinstance(other, dict):
                    other[chance.choice(("x", "password", str(key)))] = yaml.safe_load(yaml.safe_dump(parent[key]))
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=chance.random() < 0.5)


def characters(chance: random.Random, text: str) -> str:
    """One to six slips of a typing hand."""
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(text) + 1)
        match chance.randrange(4):
            case 0:
                text = text[:at] + chance.choice(FRAGMENTS) + text[at:]
            case 1:
                text = text[:at] + text[at + chance.randint(1, 8) :]
            case 2:
                text = text[:at] + chr(chance.randrange(32, 127)) + text[at + 1 :]
            case _:
                text = text[:at] + text[at:].swapcase()
    return text


def lines(chance: random.Random, text: str) -> str:
    """Lines lost, doubled, swapped, or indented otherwise."""
    rows = text.split("\n")
    for _ in range(chance.randint(1, 4)):
        at, other = chance.randrange(len(rows)), chance.randrange(len(rows))
        match chance.randrange(5):
            case 0 if len(rows) > 2:
                del rows[at]
            case 1:
                rows.insert(other, rows[at])
            case 2:
                rows[at], rows[other] = rows[other], rows[at]
            case 3:
                rows[at] = " " * chance.randint(0, 6) + rows[at].lstrip()
            case _:
                rows[at] = rows[at].replace(": ", chance.choice((":", " : ", "= ", ":\t")), 1)
    return "\n".join(rows)


def octets(chance: random.Random, text: str) -> bytes:
    """Bytes that are no text, another encoding, or a file cut short."""
    raw = bytearray(text.encode())
    match chance.randrange(4):
        case 0:
            return bytes(raw[: chance.randrange(len(raw))])
        case 1:
            return text.encode(chance.choice(("utf-16", "utf-8-sig", "cp1252", "utf-32")), "replace")
        case 2:
            for _ in range(chance.randint(1, 20)):
                raw[chance.randrange(len(raw))] = chance.randrange(256)
            return bytes(raw)
        case _:
            return chance.randbytes(chance.randint(0, 300))


MUTATIONS: tuple[Mutation, ...] = (structure, structure, characters, lines, octets)


def _misspelt(chance: random.Random, key: str) -> str:
    at = chance.randrange(len(key) + 1)
    return chance.choice((key[:at] + key[at + 1 :], key[:at] + "x" + key[at:], key.upper(), key + " ", f"{key}s")) or "x"


def mutated(seed: int) -> str | bytes:
    """The configuration of this seed."""
    chance = random.Random(seed)  # noqa: S311 - a wrong file need not be unguessable
    text = EXAMPLE if chance.random() < 0.03 else BASE
    if chance.random() < 0.3:
        text = text.replace(f", adminPassword: {SECRET}", "")
    return chance.choice(MUTATIONS)(chance, text)


@dataclass
class Tally:
    """What came of the configurations."""

    accepted: int = 0
    refused: int = 0
    mistakes: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)  # what must not be: seed and why

    def add(self, other: "Tally") -> None:
        self.accepted += other.accepted
        self.refused += other.refused
        self.mistakes += other.mistakes
        self.wrong += other.wrong


def judged(seed: int, names: tuple[str, ...], tally: Tally) -> None:
    """Give the configuration of a seed to the product, and note what it does."""
    try:
        parse_config(mutated(seed), "config.yaml", names)
    except ConfigError as error:
        tally.refused += 1
        tally.mistakes[min(len(error.mistakes), 10)] += 1
        told = [str(mistake) for mistake in error.mistakes]
        if not told or not all(len(text) > 15 for text in told):
            tally.wrong.append(f"{seed}: refused without a word: {told}")
        if any(SECRET in text for text in told):
            tally.wrong.append(f"{seed}: shows the secret")
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        tally.wrong.append(f"{seed}: {type(error).__name__}: {error}")
    else:
        tally.accepted += 1


def run(first: int, count: int) -> Tally:
    """Judge the configurations of so many seeds."""
    names, tally = tuple(all_components()), Tally()
    for seed in range(first, first + count):
        judged(seed, names, tally)
    return tally


def main() -> int:
    """Judge them all, side by side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    began, whole, chunk = time.monotonic(), Tally(), 1000
    starts = range(options.seed, options.seed + options.count, chunk)
    with ProcessPoolExecutor(options.processes) as pool:
        for tally in pool.map(run, starts, repeat(chunk)):
            whole.add(tally)
    print(
        f"{whole.accepted + whole.refused + len(whole.wrong)} configurations in {time.monotonic() - began:.0f} s: "
        f"{whole.accepted} accepted, {whole.refused} refused, {len(whole.wrong)} wrong"
    )
    print(
        "mistakes told at once:",
        ", ".join(f"{number}{'+' if number == 10 else ''}: {times}" for number, times in sorted(whole.mistakes.items())),
    )
    for one in whole.wrong[:20]:
        print(one)
    return 1 if whole.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
