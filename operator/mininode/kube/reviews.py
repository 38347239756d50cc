"""Asking the API server about our own account: who we are, and what we may do."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mininode.awaiting import together
from mininode.kube.client import Kube
from mininode.kube.resources import Resource

_ACCESS = Resource("authorization.k8s.io", "v1", "selfsubjectaccessreviews", namespaced=False)
_SELF = Resource("authentication.k8s.io", "v1", "selfsubjectreviews", namespaced=False)
_AT_ONCE = 16  # questions under way at a time: a hundred of them are answered in a second


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One thing an account may do. No namespace: everywhere, or a thing of the whole cluster."""

    namespace: str
    group: str
    resource: str  # with its subresource: pods/log
    verb: str
    name: str = ""

    def __str__(self) -> str:
        what = f"{self.resource}.{self.group}" if self.group else self.resource
        place = f" in namespace {self.namespace}" if self.namespace else ""
        return f"{self.verb} {what}{f' {self.name}' if self.name else ''}{place}"


async def who(kube: Kube) -> dict[str, Any]:
    """Name and groups of our account, as the API server knows it."""
    answer = await kube.create(_SELF, {"apiVersion": _SELF.api_version, "kind": "SelfSubjectReview"})
    return dict((answer or {}).get("status", {}).get("userInfo", {}))


async def refused(kube: Kube, rights: Iterable[Right]) -> tuple[Right, ...]:
    """Those of the rights that our account lacks, in order."""
    slots = asyncio.Semaphore(_AT_ONCE)

    async def lacks(right: Right) -> bool:
        async with slots:
            return not await allowed(kube, right)

    asked = sorted(set(rights))
    answers = await together(*(lacks(one) for one in asked))
    return tuple(right for right, missing in zip(asked, answers, strict=True) if missing)


async def allowed(kube: Kube, right: Right) -> bool:
    """Whether our account has this right."""
    resource, _, subresource = right.resource.partition("/")
    attributes = {
        "group": right.group,
        "resource": resource,
        "subresource": subresource,
        "verb": right.verb,
        "namespace": right.namespace,
        "name": right.name,
    }
    body = {
        "apiVersion": _ACCESS.api_version,
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {key: value for key, value in attributes.items() if value}},
    }
    answer = await kube.create(_ACCESS, body)
    return bool((answer or {}).get("status", {}).get("allowed"))
