"""Missing rights as a manifest that whoever runs the cluster can read, apply, and take back.

Every rule is as narrow as what was asked: by name where a name was known, by namespace where one was.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from mininode.kube.reviews import Right
from mininode.manifests.objects import Object

NAME = "mininode-installer"
_GROUP = "rbac.authorization.k8s.io"
_HEADER = """\
# What the account {account} lacks to install a node with mininode. For whoever runs the cluster:
#   kubectl apply --filename {file}
# Once the node is installed it is needed no more, until an upgrade that changes these things:
#   kubectl delete --filename {file}
"""


def manifest(missing: Iterable[Right], account: Mapping[str, Any], absent_namespaces: Iterable[str], file: str) -> str:
    """A ClusterRole for what has no namespace, a Role for each namespace, and their bindings to the account.

    A Role can't be made in a namespace that is not there, so those come first.
    """
    by_place: dict[str, list[Right]] = defaultdict(list)
    for right in missing:
        by_place[right.namespace].append(right)
    username = str(account.get("username", ""))
    documents: list[Object] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        for name in sorted(absent_namespaces)
        if name in by_place
    ]
    for place in sorted(by_place):
        documents += _role(place, by_place[place], _subject(username))
    return _HEADER.format(account=username, file=file) + yaml.safe_dump_all(documents, sort_keys=False)


def _role(namespace: str, rights: list[Right], subject: Object) -> list[Object]:
    kind = "Role" if namespace else "ClusterRole"
    meta = {"name": NAME} | ({"namespace": namespace} if namespace else {})
    return [
        {"apiVersion": f"{_GROUP}/v1", "kind": kind, "metadata": meta, "rules": _rules(rights)},
        {
            "apiVersion": f"{_GROUP}/v1",
            "kind": f"{kind}Binding",
            "metadata": meta,
            "roleRef": {"apiGroup": _GROUP, "kind": kind, "name": NAME},
            "subjects": [subject],
        },
    ]


def _rules(rights: list[Right]) -> list[Object]:
    """Rights that differ in their verb only, or then in their name only, as one rule."""
    verbs: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for one in rights:
        verbs[one.group, one.resource, one.name].add(one.verb)
    names: dict[tuple[str, str, tuple[str, ...]], list[str]] = defaultdict(list)
    for (group, resource, name), found in verbs.items():
        names[group, resource, tuple(sorted(found))].append(name)
    rules: list[Object] = []
    for (group, resource, found_verbs), found_names in sorted(names.items()):
        rule: Object = {"apiGroups": [group], "resources": [resource], "verbs": list(found_verbs)}
        if all(found_names):
            rule["resourceNames"] = sorted(found_names)
        rules.append(rule)
    return rules


def _subject(username: str) -> Object:
    if username.startswith("system:serviceaccount:"):
        namespace, name = username.split(":")[2:4]
        return {"kind": "ServiceAccount", "namespace": namespace, "name": name}
    return {"apiGroup": _GROUP, "kind": "User", "name": username}
