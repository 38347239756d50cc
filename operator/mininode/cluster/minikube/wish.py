"""What the configuration asks of minikube, complete and resolved: a value."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from mininode.api.computer import Computer, Size
from mininode.api.config import SiteConfig
from mininode.cluster.minikube.paths import DRIVERS, BadFolder, host_folder
from mininode.errors import ConfigError, Mistake

RUNTIME = "containerd"
AUTHENTICATION = "var/lib/minikube/certs/mininode-authentication.yaml"  # below files/; the API server can read it there
REALM = "EUCAIM-NODE"
_TIERS = {Size.SMALL: (4, 12), Size.MEDIUM: (8, 28), Size.LARGE: (16, 60)}  # processors, GiB: mini-node's machines less the system
_LEFT = 1024  # MiB that stay with the computer


@dataclass(frozen=True, slots=True)
class Wish:
    """One cluster as it should be."""

    profile: str
    node: str  # name and namespace of the node, to know its data again
    kubernetes: str
    data: str
    guest: str
    cpus: int
    memory: int  # MiB
    ports: tuple[str, ...]  # host:node, as `--ports` takes them
    driver: str = "docker"
    runtime: str = RUNTIME
    sized: bool = False  # cpus or memory stand in the configuration: a difference is meant
    base_image: str = ""
    cache: str = ""
    arguments: tuple[str, ...] = ()
    authentication: str = ""  # text of the API server's file

    @property
    def mount(self) -> str:
        """The folder and its place in the node, as `--mount-string` takes them."""
        return f"{self.data}:{self.guest}"

    def as_json(self) -> dict[str, Any]:
        """For the record."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """From the record."""
        return cls(**{**data, "ports": tuple(data["ports"]), "arguments": tuple(data["arguments"])})


@dataclass(frozen=True, slots=True)
class Machine:
    """What this computer has."""

    system: str  # linux, darwin, windows
    cpus: int
    memory: int  # MiB
    home: Path  # of the data where the configuration names no folder


def wish(site: SiteConfig, machine: Machine) -> Wish:
    """The wish of a configuration for this computer. Raises ConfigError when a field can't be."""
    computer = site.computer
    driver = DRIVERS[machine.system]
    try:
        data = host_folder(computer.data_folder or str(machine.home), machine.system)
    except BadFolder as error:
        raise ConfigError([Mistake("computer.dataFolder", str(error), "Name a folder of a local disk")]) from None
    cpus, gib = _TIERS[computer.size]
    address = f"{computer.ports.address}:" if computer.ports.address else ""
    return Wish(
        profile=computer.minikube.profile,
        node=f"{site.namespace}/{site.name}",
        kubernetes=computer.minikube.kubernetes_version,
        data=data,
        guest=driver.guest,
        cpus=computer.cpus or min(cpus, machine.cpus),
        memory=_mib(computer.memory) if computer.memory else min(gib * 1024, machine.memory - _LEFT),
        ports=(f"{address}{computer.ports.http}:80", f"{address}{computer.ports.https}:443"),
        driver=driver.name,
        sized=computer.cpus is not None or computer.memory is not None,
        base_image=computer.minikube.base_image or "",
        cache=computer.minikube.cache_folder or "",
        arguments=tuple(computer.minikube.start_arguments),
        authentication=authentication(computer, site.node.domain),
    )


def authentication(computer: Computer, domain: str) -> str:
    """The API server's authentication file. It is there from the first start, empty if nobody logs in that way.

    The API server reads a changed one by itself. A flag added later would make minikube run phases that may end in a reset.
    """
    login = computer.kubernetes_login
    document: dict[str, Any] = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration", "jwt": []}
    if login.enabled:
        issuer: dict[str, Any] = {"url": f"https://{domain}/auth/realms/{REALM}", "audiences": [login.audience]}
        if login.certificate_authority_file:
            try:
                issuer["certificateAuthority"] = Path(login.certificate_authority_file).read_text("ascii")
            except (OSError, UnicodeDecodeError) as error:
                field = "computer.kubernetesLogin.certificateAuthorityFile"
                raise ConfigError([Mistake(field, f"can't be read: {error}", "Name a file in PEM")]) from None
        claims = {
            "username": {"claim": "preferred_username", "prefix": "oidc:"},
            "groups": {"claim": "groups", "prefix": "oidc:"},
        }
        document["jwt"] = [{"issuer": issuer, "claimMappings": claims}]
    return json.dumps(document, indent=2, sort_keys=True) + "\n"  # JSON is YAML


def _mib(text: str) -> int:
    return int(text[:-2]) * (1024 if text.endswith("Gi") else 1)
