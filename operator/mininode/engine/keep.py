"""The node's credentials in a file on the machine, beside the data that they open; put back before anything starts.

The operator's pod has one folder of the machine mounted, mode 0700, and may read every Secret of its nodes anyway: the file
gives it nothing that it had not. No other pod mounts that folder. Where none is given (variable MININODE_KEEP) nothing is kept.
"""

import logging
import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mininode.api import COMPONENT_LABEL, NO_RELEASES, NODE_LABEL
from mininode.components.base import Node, ProbeFailed
from mininode.credentials.kept import Kept, file_name, from_objects, read, text_of, to_object
from mininode.credentials.store import CREDENTIAL_LABEL, KEPT_LABEL_VALUE
from mininode.engine.probes import LiveProbes
from mininode.engine.room import Space
from mininode.errors import MininodeError
from mininode.kube.client import Kube
from mininode.kube.resources import SECRETS

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Keeper:
    """The folder, and the cluster whose credentials are kept in it."""

    kube: Kube
    folder: Path

    async def put_back(self, node: Node) -> tuple[str, ...]:
        """Make the Secrets that the file has and the cluster has not; returns their names. Raises KubeError, MininodeError.

        One that is in the cluster is never overwritten. A file that can't be read stops everything: with new passwords the data
        would be locked.
        """
        made = []
        kept = await self._read(node)
        there = {one["metadata"]["name"] for one in await self.kube.list_metadata(SECRETS, node.namespace, labels=NO_RELEASES)}
        for name, one in kept.items():
            if name in there:
                continue
            if await self.kube.create(SECRETS, to_object(node, name, one), node.namespace) is not None:
                made.append(name)
                log.info("credential %s was put back", name, extra={"node": node.name, "component": one.component})
        return tuple(made)

    async def keep(self, node: Node, computed: Iterable[str]) -> None:
        """Write what the cluster has into the file, if that differs. What only the file has stays in it: it may be needed yet.

        `computed` are Secrets made from others, which are not kept. Raises KubeError, MininodeError.
        """
        labels = f"{NODE_LABEL}={node.name},{COMPONENT_LABEL},{CREDENTIAL_LABEL}={KEPT_LABEL_VALUE}"
        objects = await self.kube.list(SECRETS, node.namespace, labels=labels)
        names = frozenset(computed)
        there = from_objects([one for one in objects if one["metadata"]["name"] not in names])
        passphrase = await self._passphrase(node)
        before = await self._read(node)
        wanted: Kept = {**before, **there}
        if wanted and (wanted != before or self._encrypted(node) != (passphrase is not None)):
            self._write(node, text_of(node, wanted, passphrase))

    def space(self) -> Space | None:
        """The folder's disk, which is that of the data beside it; None where it can't be told."""
        try:
            found = shutil.disk_usage(self.folder)
        except OSError:
            return None
        return Space(found.total, found.free)

    async def _passphrase(self, node: Node) -> str | None:
        ref = node.spec.storage.passphrase_ref
        if ref is None:
            return None
        try:
            return await LiveProbes(self.kube, node.namespace).secret(ref.name, ref.key)
        except ProbeFailed as error:
            raise MininodeError(
                f"{error}, and it is to hold the pass phrase of the node's credentials",
                f"Make the Secret {ref.name} in namespace {node.namespace}, or leave spec.storage.passphraseRef out.",
                reason="PassphraseMissing",
            ) from error

    async def _read(self, node: Node) -> Kept:
        place = self._place(node)
        passphrase = await self._passphrase(node)
        try:
            text = place.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            raise self._trouble(place, error) from error
        return read(text, node, passphrase, str(place))

    def _encrypted(self, node: Node) -> bool:
        try:
            return '"encrypted"' in self._place(node).read_text(encoding="utf-8")
        except OSError:
            return False

    def _write(self, node: Node, text: str) -> None:
        """All or nothing, and on the disk before anything is made with these passwords."""
        place = self._place(node)
        try:
            descriptor, name = tempfile.mkstemp(dir=self.folder, prefix=f".{place.name}.")  # mode 0600
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).replace(place)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
            folder = os.open(self.folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise self._trouble(place, error) from error
        log.info("the node's credentials are kept in %s", place, extra={"node": node.name})

    def _place(self, node: Node) -> Path:
        return self.folder / file_name(node.namespace, node.name)

    def _trouble(self, place: Path, error: Exception) -> MininodeError:
        said = getattr(error, "strerror", None) or str(error)
        return MininodeError(
            f"the node's credentials can't be kept in {place}: {said}",
            "Without a copy beside it the data would be locked if the cluster were lost, so nothing new is started. The folder "
            "must be there, belong to user 10001 and have room: `mininode storage folders` makes it.",
            reason="CredentialsNotKept",
        )
