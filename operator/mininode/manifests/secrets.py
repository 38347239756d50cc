"""The Secrets of an installation: which a site must bring, which it may, and examples of how External Secrets or SOPS bring them.

Only names and keys are known here. A Secret that is there before the operator looks is used as it is and never overwritten;
one that the operator makes is made once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from mininode.components.base import Component
from mininode.manifests.objects import OPERATOR_NAMESPACE, OperatorPod

if TYPE_CHECKING:
    from mininode.api.config import SiteConfig
    from mininode.api.model import SecretKey

_STORE = "hospital-vault"
_PLACEHOLDER = "PUT-THE-VALUE-HERE-THEN-ENCRYPT"


@dataclass(frozen=True, slots=True)
class Need:
    """One Secret: its secret keys, the keys whose value is no secret, and who makes it when the site does not."""

    namespace: str
    name: str
    keys: tuple[str, ...]
    fixed: Mapping[str, str]
    purpose: str
    must: bool
    type: str = "Opaque"


def needs(site: "SiteConfig", pod: OperatorPod, components: Mapping[str, Component]) -> tuple[Need, ...]:
    """Every Secret that the configuration names or a component has, those that must be brought first."""
    must = [*_certificate(site)]
    if pod.pull_secret:
        must.append(
            Need(
                OPERATOR_NAMESPACE, pod.pull_secret, (".dockerconfigjson",), {}, "pulls the operator's image", must=True,
                type="kubernetes.io/dockerconfigjson",
            )
        )  # fmt: skip
    may = [
        Need(
            site.namespace, one.name, tuple(key.key for key in one.generated), one.fixed, f"{name}'s own login", must=False
        )
        for name, component in components.items()
        for one in component.credentials
    ]
    return (*must, *may)


def _certificate(site: "SiteConfig") -> Iterable[Need]:
    tls = site.node.tls
    given: list[SecretKey] = [one for one in (tls.certificate_ref, tls.private_key_ref) if one]
    for name in dict.fromkeys(one.name for one in given):
        keys = tuple(one.key for one in given if one.name == name)
        yield Need(site.namespace, name, keys, {}, f"certificate of {site.node.domain}", must=True)


def examples(found: Iterable[Need]) -> dict[str, str]:
    """The files of the folder `secrets`, none of which is applied by itself."""
    found = tuple(found)
    return {
        "secrets/README.md": _table(found),
        "secrets/external-secrets.yaml.example": _EXTERNAL + yaml.safe_dump_all(
            [_store(), *map(_external, found)], sort_keys=False
        ),
        "secrets/sops.yaml.example": _SOPS + yaml.safe_dump_all(map(_plain, found), sort_keys=False),
        "secrets/sops-rules.yaml.example": _SOPS_RULES,
    }  # fmt: skip


def _table(found: tuple[Need, ...]) -> str:
    rows = [
        f"| {one.namespace} | {one.name} | {', '.join((*one.keys, *one.fixed))} | {one.purpose} | "
        f"{'you: the node needs it' if one.must else 'the operator, unless it is there already'} |"
        for one in found
    ]
    return _README + "\n".join(rows) + "\n"


def _external(one: Need) -> dict[str, Any]:
    data = [
        {"secretKey": key.lstrip("."), "remoteRef": {"key": f"{one.namespace}/{one.name}", "property": key.lstrip(".")}}
        for key in one.keys
    ]
    template = {
        "type": one.type,
        "data": dict(one.fixed) | {key: f'{{{{ index . "{key.lstrip(".")}" }}}}' for key in one.keys},
    }
    return {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": {"name": one.name, "namespace": one.namespace},
        "spec": {
            "refreshInterval": "1h0m0s",
            "secretStoreRef": {"kind": "ClusterSecretStore", "name": _STORE},
            # Orphan and Retain: a password must outlive the tool that brought it, as the data that it opens does.
            "target": {"name": one.name, "creationPolicy": "Orphan", "deletionPolicy": "Retain", "template": template},
            "data": data,
        },
    }


def _store() -> dict[str, Any]:
    return {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ClusterSecretStore",
        "metadata": {"name": _STORE},
        "spec": {
            "provider": {
                "vault": {
                    "server": "https://vault.hospital.example",
                    "path": "secret",
                    "version": "v2",
                    "auth": {
                        "kubernetes": {
                            "mountPath": "kubernetes",
                            "role": "mininode",
                            "serviceAccountRef": {"name": "external-secrets", "namespace": "external-secrets"},
                        }
                    },
                }
            }
        },
    }


def _plain(one: Need) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": one.name, "namespace": one.namespace},
        "type": one.type,
        "stringData": dict(one.fixed) | dict.fromkeys(one.keys, _PLACEHOLDER),
    }


_README = """\
# Secrets of this node

Nothing in this tree is a secret. What the node needs, and who makes it:

| namespace | Secret | keys | what for | made by |
|---|---|---|---|---|
"""
_EXTERNAL = """\
# An example for External Secrets (external-secrets.io): take the Secrets that you want to bring yourself, name your store, save it
# as a .yaml file of your own beside this tree. One that you leave out is made by the operator, once.
# `username` and `database` are no secrets and must stay as they are: the applications log in with them.
"""
_SOPS = """\
# An example for SOPS: take the Secrets that you want to bring yourself into a file of your own, put the values in, and
#   sops encrypt --in-place secrets.sops.yaml
# BEFORE it goes into Git. `username` and `database` are no secrets and must stay as they are.
"""
_SOPS_RULES = """\
# An example of .sops.yaml at the top of the repository: only the values of Secrets are encrypted, with your own age key.
creation_rules:
  - path_regex: .*\\.sops\\.yaml$
    encrypted_regex: ^(data|stringData)$
    age: age1put-your-public-key-here
"""
