"""docs/network.md, made from what components declare."""

from collections.abc import Iterable

from mininode.components.base import Component
from mininode.components.network import flows

_HEADER = """\
# Who talks with whom

Made by `make generate` from what the components declare; a change there changes the network policies and this page.
Everything that is not here is forbidden, both ways, where the cluster's network enforces policies. A port is that of the
pods, after the Service's.

`visitors` come from anywhere, `operator` from namespace `mininode-system`, `internet` is whatever lies outside the cluster;
with `spec.proxy` its port is open for the same parts. `kubernetes-api` is open by ports 6443, 8443 and 443.
How often each was seen while a real node was used and broken: [flows-seen.md](flows-seen.md).

| from | to | port | why |
|---|---|---|---|
"""


def network_reference(components: Iterable[Component]) -> str:
    """The page's text."""
    lines = [f"| {flow.source} | {flow.target} | {flow.port} | {flow.why} |" for flow in flows(components)]
    return _HEADER + "\n".join(lines) + "\n"
