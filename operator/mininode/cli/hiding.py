"""Takes secrets out of everything that leaves the site: those that are known by their value, and those that look like one."""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from mininode.api.inline_secrets import inline_secrets
from mininode.api.scrub import GONE, scrubbed

_SHORTEST = 6  # characters: shorter values ("admin", "5432") are in every text and no secrets
_LINE = 12  # characters of a line of a key or certificate that identify it
# Endings of keys, without signs between: what a Secret holds beside its secret.
_NO_SECRETS = ("name", "user", "database", "host", "port", "cacrt", "tlscrt", "namespace", "id", "url", "realm", "issuer", "cafile")


_SIGNS = str.maketrans("", "", "-_.")


class Hider:
    """Knows values that are secret, and hides them in texts in every form that they travel in."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.count = 0

    def learn_secret(self, data: Mapping[str, str]) -> None:
        """Take in the values of a Secret (base64), less those that are public by their key."""
        for key, encoded in data.items():
            if key.lower().translate(_SIGNS).endswith(_NO_SECRETS):
                continue
            raw = base64.b64decode(encoded)
            self.learn(encoded)
            self.learn(raw.decode("utf-8", "replace"))
            self.count += 1

    def learn(self, value: str) -> None:
        """Take in one value, and its base64 form. Of a text with lines every line is one."""
        lines = [line.strip() for line in value.splitlines() if len(line.strip()) >= _LINE and "-----" not in line]
        for one in (value.strip(), *(lines if len(lines) > 1 else ())):
            if len(one) >= _SHORTEST:
                self._known |= {one, base64.b64encode(one.encode()).decode(), json.dumps(one)[1:-1]}
        self._pattern = None

    def hidden(self, text: str) -> str:
        """The text without what is known as secret, and without what looks so."""
        if self._known and self._pattern is None:
            longest_first = sorted(self._known, key=len, reverse=True)
            self._pattern = re.compile("|".join(re.escape(one) for one in longest_first))
        return scrubbed(self._pattern.sub(GONE, text) if self._pattern else text)

    def hidden_in(self, value: Any) -> Any:
        """The same for every text inside a value; its shape stays."""
        if isinstance(value, dict):
            return {self.hidden(str(key)): self.hidden_in(child) for key, child in value.items()}
        if isinstance(value, list):
            return [self.hidden_in(one) for one in value]
        return self.hidden(value) if isinstance(value, str) else value

    def masked(self, value: Any) -> Any:
        """An object without the values of fields that are secret by their name, such as an env entry DB_PASSWORD."""
        found = _copied(value)
        for path in list(inline_secrets(found)):
            if path:
                _at(found, path[:-1])[path[-1]] = GONE
        return found

    def masked_yaml(self, text: str) -> str:
        """The same for manifests as text; a Secret among them keeps its keys only."""
        import yaml

        from mininode.documents import yaml_documents

        documents = []
        for one in yaml_documents(text):
            if isinstance(one, dict) and one.get("kind") == "Secret":
                self.learn_secret(one.get("data") or {})
                for value in (one.get("stringData") or {}).values():
                    self.learn(str(value))
                one |= {section: dict.fromkeys(one[section], GONE) for section in ("data", "stringData") if one.get(section)}
            documents.append(self.masked(one))
        return yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True)


# Copies of the object inside the object: long, and their quotes are escaped.
_COPIES = frozenset({"managedFields", "kubectl.kubernetes.io/last-applied-configuration"})


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _copied(child) for key, child in value.items() if key not in _COPIES}
    return [_copied(one) for one in value] if isinstance(value, list) else value


def _at(value: Any, path: Iterable[str | int]) -> Any:
    for part in path:
        value = value[part]
    return value
