"""What the reconciliation of every node needs; made once a process."""

import datetime
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mininode.api.config import parse_spec
from mininode.components.base import NOTHING_SEEN, Component, Facts, Node
from mininode.engine.events import Events
from mininode.engine.keep import Keeper
from mininode.engine.metrics import Metrics
from mininode.engine.pace import USUAL, Pace
from mininode.helm.charts import Chart
from mininode.helm.client import Helm
from mininode.kube.client import Kube
from mininode.planning.images import ImageLock
from mininode.planning.plan import Plan, plan


@dataclass(frozen=True, slots=True)
class Engine:
    """The doors, and what this version of mininode brings: components, charts, images."""

    kube: Kube
    helm: Helm
    components: Mapping[str, Component]
    charts: Mapping[str, Chart]
    images: ImageLock
    events: Events
    pace: Pace = USUAL
    keeper: Keeper | None = None
    metrics: Metrics = field(default_factory=Metrics)
    clock: Callable[[], float] = time.monotonic

    def plan(self, resource: Mapping[str, Any], facts: Facts = NOTHING_SEEN) -> Plan:
        """The plan of a resource, by what was seen of the node. Raises ConfigError with every mistake of its spec."""
        meta = resource["metadata"]
        spec = parse_spec(dict(resource.get("spec") or {}), tuple(self.components))
        digests = {name: chart.digest for name, chart in self.charts.items()}
        return plan(Node(meta["name"], meta["namespace"], spec, facts=facts), self.components, digests, self.images)


def now() -> str:
    """The time of day as statuses have it: RFC 3339, UTC, seconds."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
