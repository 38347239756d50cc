"""What the operator counts, for Prometheus. One registry a process, made in app/wiring.py."""

from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


@dataclass(slots=True)
class Metrics:
    """Counters and gauges; names and labels are listed in docs/operate.md."""

    registry: CollectorRegistry = field(default_factory=lambda: CollectorRegistry(auto_describe=True))
    actions: Counter = field(init=False)
    action_seconds: Histogram = field(init=False)
    ready: Gauge = field(init=False)
    drift: Counter = field(init=False)
    looks: Counter = field(init=False)

    def __post_init__(self) -> None:
        """Register everything."""
        node = ("namespace", "node")
        self.actions = Counter(
            "mininode_component_actions",
            "Actions by outcome.",
            (*node, "component", "action", "outcome"),
            registry=self.registry,
        )
        self.action_seconds = Histogram(
            "mininode_component_action_seconds",
            "Duration of actions.",
            ("action",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.ready = Gauge(
            "mininode_component_ready",
            "1 when the component's gate was seen to hold.",
            (*node, "component"),
            registry=self.registry,
        )
        self.drift = Counter(
            "mininode_drift_objects",
            "Objects found changed or deleted by hand.",
            (*node, "component", "corrected"),
            registry=self.registry,
        )
        self.looks = Counter("mininode_looks", "Looks at a node.", node, registry=self.registry)

    def forget(self, namespace: str, node: str) -> None:
        """Drop the figures of a node that is gone, so that a monitor does not go on showing it."""
        for one in (self.actions, self.ready, self.drift, self.looks):
            one.remove_by_labels({"namespace": namespace, "node": node})
