"""What is known of a component's Helm release: a value, read from the labels of Helm's own Secrets."""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from mininode.api import INPUTS_LABEL, NODE_LABEL, OWNED_BY_OPERATOR, OWNER_LABEL, PROVEN_LABEL


class ReleaseStatus(enum.StrEnum):
    """Helm's words for the state of a revision (helm/pkg/release/common/status.go)."""

    UNKNOWN = "unknown"
    DEPLOYED = "deployed"
    UNINSTALLED = "uninstalled"
    SUPERSEDED = "superseded"
    FAILED = "failed"
    UNINSTALLING = "uninstalling"
    PENDING_INSTALL = "pending-install"
    PENDING_UPGRADE = "pending-upgrade"
    PENDING_ROLLBACK = "pending-rollback"


LOCKED = frozenset({ReleaseStatus.PENDING_INSTALL, ReleaseStatus.PENDING_UPGRADE, ReleaseStatus.PENDING_ROLLBACK})

NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Release:
    """The newest revision of a release."""

    name: str
    revision: int
    status: ReleaseStatus
    node: str  # value of our label; empty when somebody else made the release
    digest: str  # of the inputs it was made from; empty likewise
    fallback: int = 0  # newest earlier revision of other inputs whose gate held once; 0 when there is none
    proven: bool = False  # this very revision's gate held once


def newest(secrets: Iterable[Mapping[str, Any]], aliases: Mapping[str, str] = NONE) -> dict[str, Release]:
    """The newest revision of every release, from the metadata of Helm's Secrets (labels owner, name, version, status).

    A component without a chart has a record with the same labels in place of a release (engine/record.py).

    Helm's storage driver writes these labels beside the ones given with `helm upgrade --labels`
    (helm/pkg/storage/driver/secrets.go); no payload is read. `aliases` gives, for a digest by an earlier recipe, the one that
    stands for the same inputs now.
    """
    revisions: dict[str, list[Release]] = {}
    for secret in secrets:
        labels = secret["metadata"].get("labels") or {}
        if labels.get(OWNER_LABEL) in ("helm", OWNED_BY_OPERATOR) and labels.get("version", "").isdigit():
            release = Release(
                name=labels["name"],
                revision=int(labels["version"]),
                status=_status(labels.get("status", "")),
                node=labels.get(NODE_LABEL, ""),
                digest=aliases.get(digest := labels.get(INPUTS_LABEL, ""), digest),
                # The revision's own number, since Helm hands labels on from revision to revision.
                proven=labels.get(PROVEN_LABEL) == labels["version"],
            )
            revisions.setdefault(release.name, []).append(release)
    return {name: _top(found) for name, found in revisions.items()}


def _top(revisions: list[Release]) -> Release:
    top, *earlier = sorted(revisions, key=lambda release: release.revision, reverse=True)
    once_deployed = (ReleaseStatus.DEPLOYED, ReleaseStatus.SUPERSEDED)
    good = (one.revision for one in earlier if one.proven and one.status in once_deployed and one.digest != top.digest)
    return replace(top, fallback=next(good, 0))


def _status(text: str) -> ReleaseStatus:
    try:
        return ReleaseStatus(text)
    except ValueError:
        return ReleaseStatus.UNKNOWN


def secret_name(release: str, revision: int) -> str:
    """Name of the Secret that holds a revision (helm/pkg/storage/storage.go)."""
    return f"sh.helm.release.v1.{release}.v{revision}"
