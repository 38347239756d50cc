"""Fakes of the questions that gates ask, and of what components keep by themselves."""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest

from mininode.api.spec import NodeSpec
from mininode.components.base import GateResult, HttpAnswer, Node, ProbeFailed
from mininode.credentials.certificates import new_authority

Form = Mapping[str, str]
NOW = datetime.datetime(2026, 11, 25, 12, tzinfo=datetime.UTC)
Answer = HttpAnswer | Callable[[Form], HttpAnswer]


@dataclass
class FakeProbes:
    """Answers by method and address; what has no answer fails as a dead service does."""

    answers: dict[str, Answer] = field(default_factory=dict)
    by_header: dict[str, Callable[[Form], HttpAnswer]] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    logins: dict[tuple[str, str], str] = field(default_factory=dict)  # (database, user) -> password
    services: dict[str, str] = field(default_factory=dict)  # name -> address
    configs: dict[str, str] = field(default_factory=dict)
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

    async def service_ip(self, name: str) -> str:
        return self.services[name]

    async def config(self, name: str, key: str) -> str:
        if f"{name}/{key}" not in self.configs:
            raise ProbeFailed(f"ConfigMap {name} has no key {key}")
        return self.configs[f"{name}/{key}"]

    async def door(self, path: str) -> HttpAnswer:
        return await self.http(f"door:{path}")

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


@dataclass
class FakeKeeper:
    """Implements `components.base.Keeper`; `written` tells what was written, in order."""

    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    maps: dict[str, dict[str, str]] = field(default_factory=dict)
    binary: dict[str, dict[str, bytes]] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)
    announced: list[str] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    public: str = ""
    now: datetime.datetime = NOW
    first: dict[str, dict[str, str]] = field(default_factory=dict)  # what another operator makes while we try

    async def secret(self, name: str) -> Mapping[str, str] | None:
        return self.secrets.get(name)

    async def config_map(self, name: str) -> Mapping[str, str] | None:
        return self.maps.get(name)

    async def make_secret(self, name: str, data: Mapping[str, str]) -> None:
        self.secrets[name] = self.first.pop(name, dict(data))
        self.written.append(name)

    async def put_secret(self, name: str, data: Mapping[str, str]) -> None:
        if self.secrets.get(name) != data:
            self.secrets[name] = dict(data)
            self.written.append(name)

    async def put_config_map(
        self, name: str, data: Mapping[str, str], binary: Mapping[str, Callable[[], bytes]]
    ) -> None:
        if self.maps.get(name) != data:
            self.maps[name], self.binary[name] = dict(data), {key: value() for key, value in binary.items()}
            self.written.append(name)

    async def announce(self, service: str) -> None:
        self.announced.append(service)

    def tell(self, **facts: str) -> None:
        self.facts |= facts

    def public_authorities(self) -> str:
        return self.public


@pytest.fixture
def keeper() -> FakeKeeper:
    return FakeKeeper(public=new_authority("public", NOW).certificate)


@pytest.fixture
def node() -> Node:
    return Node("demo", "eucaim", NodeSpec(domain="node.hospital.example"))


@pytest.fixture
def probes() -> FakeProbes:
    return FakeProbes()
