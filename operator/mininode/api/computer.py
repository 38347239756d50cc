"""The section `computer:` of config.yaml: what the installer needs to know of a computer that runs its node by minikube."""

import enum
from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from mininode.api.model import Model, cel

FOLDER_PATTERN = r"^(/|[A-Za-z]:[\\/])[^:,\n]*$"
MEMORY_PATTERN = r"^[1-9][0-9]*(Mi|Gi)$"
PROFILE_PATTERN = r"^[a-z][a-z0-9-]{1,30}$"
VERSION_PATTERN = r"^v1\.[0-9]+\.[0-9]+$"
IMAGE_NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:/@-]*$"
ADDRESS_PATTERN = r"^[0-9]{1,3}(\.[0-9]{1,3}){3}$"
AUDIENCE_PATTERN = r"^[A-Za-z0-9._:/-]+$"
ARGUMENT_PATTERN = r"^--[a-z][a-z-]*=[^\s\"\\]+$"

# minikube's start arguments that change neither what a data folder, a port or a size is, nor what Kubernetes' own programs are
# told: a wrong argument of the API server makes minikube reset the cluster.
ALLOWED_ARGUMENTS = (
    "apiserver-ips", "apiserver-names", "binary-mirror", "cache-images", "cert-expiration", "cni", "image-mirror-country",
    "image-repository", "insecure-registry", "network", "preload", "preload-source", "registry-mirror", "static-ip", "subnet",
)  # fmt: skip


class Size(enum.StrEnum):
    """How much of the computer the node may use."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


class Ports(Model):
    """Where the public door listens on this computer."""

    http: int = Field(80, description="Port of plain HTTP, which leads to HTTPS.", ge=1, le=65535)
    https: int = Field(443, description="Port of HTTPS.", ge=1, le=65535)
    address: str | None = Field(
        None,
        description="Address of this computer to listen on. Left out: all of them. Docker opens these ports past the "
        "computer's own firewall.",
        pattern=ADDRESS_PATTERN,
        max_length=15,
    )


class KubernetesLogin(Model):
    """People log in to the Kubernetes API with their account of the node."""

    enabled: bool = Field(
        False,
        description="Whether the Kubernetes API takes tokens of the node's own identity provider. Can be switched at any time.",
    )
    audience: str = Field(
        "kubernetes", description="What a token must be meant for.", pattern=AUDIENCE_PATTERN, max_length=128
    )
    certificate_authority_file: str | None = Field(
        None,
        description="File of this computer with the authority, in PEM, that vouches for the domain, where it is no public one.",
        pattern=FOLDER_PATTERN,
        max_length=512,
    )


class Minikube(Model):
    """How minikube is called, for sites behind a mirror and for those with a cluster of minikube's already."""

    profile: str = Field(
        "mininode", description="minikube's name of the cluster.", pattern=PROFILE_PATTERN, max_length=31
    )
    kubernetes_version: str = Field(
        "v1.35.1", description="Version of Kubernetes, at the first install.", pattern=VERSION_PATTERN, max_length=16
    )
    base_image: str | None = Field(
        None,
        description="Image of the machine, where minikube's own can't be had: one that Docker has already, or of your registry.",
        pattern=IMAGE_NAME_PATTERN,
        max_length=512,
    )
    cache_folder: str | None = Field(
        None,
        description="Folder with minikube's downloads, copied from `.minikube/cache` of a computer with Internet.",
        pattern=FOLDER_PATTERN,
        max_length=512,
    )
    start_arguments: list[Annotated[str, StringConstraints(pattern=ARGUMENT_PATTERN, max_length=512)]] = Field(
        [],
        description="More arguments of `minikube start`, each as --name=value. Allowed: " + ", ".join(ALLOWED_ARGUMENTS) + ".",
        max_length=20,
    )


class Computer(Model):
    """A computer that runs its node by minikube; kind reads the folder and the ports, other ways nothing of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                cel("!has(self.ports) || self.ports.http != self.ports.https", "ports.http and ports.https must be different"),
                cel(
                    "!has(self.minikube) || !has(self.minikube.startArguments) || "
                    "self.minikube.startArguments.all(one, one.matches('^--("
                    + "|".join(ALLOWED_ARGUMENTS)
                    + ")='))",
                    "minikube.startArguments may hold only these: " + ", ".join(ALLOWED_ARGUMENTS),
                ),
            ]
        }
    )

    data_folder: str | None = Field(
        None,
        description="Folder of this computer for all data of the node, on a disk of its own if there is one. Can't be changed "
        "later without moving the data. Left out: a folder in your home.",
        pattern=FOLDER_PATTERN,
        max_length=512,
    )
    size: Size = Field(
        Size.SMALL,
        description="How much the node may use: `small` 4 processors and 12 GiB, `medium` 8 and 28 GiB, `large` 16 and 60 GiB, and "
        "never more than there is.",
    )
    cpus: int | None = Field(None, description="Processors, in place of what `size` says.", ge=2, le=512)
    memory: str | None = Field(
        None, description="Memory, in place of what `size` says.", pattern=MEMORY_PATTERN, max_length=12
    )
    ports: Ports = Field(Ports(), description="Where the public door listens.")
    kubernetes_login: KubernetesLogin = Field(
        KubernetesLogin(), description="Log in to the Kubernetes API with an account of the node."
    )
    minikube: Minikube = Field(Minikube(), description="How minikube is called.")
