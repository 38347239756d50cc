"""What an installation would change in a cluster: each wanted object beside the one that is there. Reads only.

A namespace that is there stays as it is, whoever made it: our pods pass every level of Pod Security, and labels are its owner's.
"""

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from mininode.awaiting import together
from mininode.errors import KubeError
from mininode.kube.client import Kube
from mininode.kube.resources import BY_KIND
from mininode.kube.reviews import Right
from mininode.manifests.objects import CLUSTER_WIDE, Object, holds, title

_FORBIDDEN = 403
_RBAC = "rbac.authorization.k8s.io"


class State(enum.StrEnum):
    """An object that is wanted, as it was found."""

    SAME = "as it should be"
    ABSENT = "create"
    DIFFERENT = "change"
    UNREADABLE = "unknown: this account may not read it"


@dataclass(frozen=True, slots=True)
class Change:
    """One wanted object and what has to be done for it."""

    wanted: Object
    state: State

    @property
    def needed(self) -> bool:
        """Whether something has to be written."""
        return self.state is not State.SAME

    @property
    def cluster_wide(self) -> bool:
        """Whether it concerns others in the cluster, too."""
        return self.wanted["kind"] in CLUSTER_WIDE

    def __str__(self) -> str:
        return f"{title(self.wanted)}: {self.state}"


async def changes(kube: Kube, wanted: Iterable[Object]) -> tuple[Change, ...]:
    """One change an object, in the order given."""
    return await together(*(_change(kube, one) for one in wanted))


async def _change(kube: Kube, wanted: Object) -> Change:
    meta = wanted["metadata"]
    try:
        live = await kube.get(BY_KIND[wanted["kind"]], meta["name"], meta.get("namespace"))
    except KubeError as error:
        if error.code != _FORBIDDEN:
            raise
        return Change(wanted, State.UNREADABLE)
    if live is None:
        return Change(wanted, State.ABSENT)
    same = wanted["kind"] == "Namespace" or holds(live, wanted)
    return Change(wanted, State.SAME if same else State.DIFFERENT)


def rights_to_write(found: Iterable[Change]) -> set[Right]:
    """What our account must be allowed to write these changes."""
    return {right for one in found if one.needed for right in _writing(one)}


def rights_to_grant(found: Iterable[Change]) -> set[Right]:
    """What our account must have itself, since the roles and bindings among these changes hand it on.

    Nobody may grant what he lacks: the rules of a role that is written, and those of a role that is bound, where it is bound.
    """
    found = tuple(found)
    roles = {(one.wanted["kind"], one.wanted["metadata"]["name"]): one.wanted for one in found if "rules" in one.wanted}
    needed: set[Right] = set()
    for one in found:
        if one.needed and "rules" in one.wanted:
            needed |= _rules(one.wanted, one.wanted["metadata"].get("namespace", ""))
        elif one.needed and "roleRef" in one.wanted:
            role = roles[one.wanted["roleRef"]["kind"], one.wanted["roleRef"]["name"]]
            needed |= _rules(role, one.wanted["metadata"].get("namespace", ""))
    return needed


# Who has both may grant what he lacks.
MAY_GRANT_ANYTHING = (Right("", _RBAC, "clusterroles", "escalate"), Right("", _RBAC, "clusterroles", "bind"))


def _writing(change: Change) -> set[Right]:
    # Server-side apply of what is not there asks for both create and patch.
    verbs = ("get", "patch") if change.state is State.DIFFERENT else ("get", "create", "patch")
    meta, resource = change.wanted["metadata"], BY_KIND[change.wanted["kind"]]
    space = meta.get("namespace", "") if resource.namespaced else ""
    # A rule with names never allows `create`: the name is not known yet when that is decided.
    return {
        Right(space, resource.group, resource.plural, verb, "" if verb == "create" else meta["name"]) for verb in verbs
    }


def _rules(role: Object, namespace: str) -> set[Right]:
    return {
        Right(namespace, group, resource, verb, name)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", [""])
    }
