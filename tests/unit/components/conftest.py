"""A fake of the questions that gates ask."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest

from mininode.api.spec import NodeSpec
from mininode.components.base import GateResult, HttpAnswer, Node, ProbeFailed

Form = Mapping[str, str]
Answer = HttpAnswer | Callable[[Form], HttpAnswer]


@dataclass
class FakeProbes:
    """Answers by method and address; what has no answer fails as a dead service does."""

    answers: dict[str, Answer] = field(default_factory=dict)
    by_header: dict[str, Callable[[Form], HttpAnswer]] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    logins: dict[tuple[str, str], str] = field(default_factory=dict)  # (database, user) -> password
    asked: list[str] = field(default_factory=list)

    async def http(
        self,
        url: str,
        *,
        method: str = "GET",
        form: Form | None = None,
        headers: Form | None = None,
    ) -> HttpAnswer:
        self.asked.append(f"{method} {url}")
        if f"{method} {url}" in self.by_header:
            return self.by_header[f"{method} {url}"](headers or {})
        answer = self.answers.get(f"{method} {url}")
        if answer is None:
            raise ProbeFailed(f"{url} does not answer")
        return answer(form or {}) if callable(answer) else answer

    async def postgres_login(self, *, host: str, port: int, database: str, user: str, password: str) -> None:
        self.asked.append(f"{user}@{host}:{port}/{database}")
        if self.logins.get((database, user)) != password:
            raise ProbeFailed(f"no login to {database} at {host} as {user}: password authentication failed")

    async def secret(self, name: str, key: str) -> str:
        if f"{name}/{key}" not in self.secrets:
            raise ProbeFailed(f"Secret {name} has no key {key}")
        return self.secrets[f"{name}/{key}"]

    async def realm(self) -> GateResult:
        raise ProbeFailed("there is no realm")


@pytest.fixture
def node() -> Node:
    return Node("demo", "eucaim", NodeSpec(domain="node.hospital.example"))


@pytest.fixture
def probes() -> FakeProbes:
    return FakeProbes()
