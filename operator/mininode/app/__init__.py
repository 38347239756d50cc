"""The operator process: Kopf, settings, probes, metrics."""
