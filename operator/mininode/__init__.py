"""mininode: one computer, or a share of a cluster, as a EUCAIM federated node."""

__version__ = "0.1.0"
