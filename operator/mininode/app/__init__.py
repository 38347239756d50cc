"""The operator process: Kopf, settings, probes, metrics."""

import mininode.kube  # noqa: F401 - before Kopf, which looks into the official client as well
