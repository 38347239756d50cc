"""Events on the node's resource: one for each outcome, the same one not again within a while."""

import datetime
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mininode.api import API_VERSION, KIND
from mininode.api.scrub import scrubbed
from mininode.errors import KubeError
from mininode.kube.client import Kube
from mininode.kube.resources import EVENTS

_QUIET = 600.0  # s in which the same event is told once
_NOTE_LIMIT = 1024  # characters, by the API

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Events:
    """Tells what was done, where `kubectl describe` shows it."""

    kube: Kube
    host: str  # which operator speaks
    clock: Callable[[], float] = time.monotonic
    _told: dict[tuple[str, ...], float] = field(default_factory=dict)

    async def tell(
        self, resource: Mapping[str, Any], reason: str, action: str, note: str, *, warning: bool = False
    ) -> None:
        """Post an event. What can't be posted is logged: an event is news, not state."""
        meta, now = resource["metadata"], self.clock()
        key = (meta["uid"], reason, action, note)
        self._told = {one: when for one, when in self._told.items() if now - when < _QUIET}
        if key in self._told:
            return
        self._told[key] = now
        body = {
            "apiVersion": EVENTS.api_version,
            "kind": "Event",
            "metadata": {"name": f"{meta['name']}.{uuid.uuid4().hex[:16]}", "namespace": meta["namespace"]},
            "eventTime": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "type": "Warning" if warning else "Normal",
            "reason": reason,
            "action": action,
            "note": scrubbed(note)[:_NOTE_LIMIT],
            "reportingController": "mininode.cancerimage.eu/operator",
            "reportingInstance": self.host,
            "regarding": {
                "apiVersion": API_VERSION, "kind": KIND, "name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"],
            },
        }  # fmt: skip
        try:
            await self.kube.create(EVENTS, body, meta["namespace"])
        except KubeError as error:  # for example in a namespace that is going away
            log.info("the event %s can't be posted: %s", reason, error.message)
