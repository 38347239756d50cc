"""What stands in a cluster before and beside a node, as objects, and as trees of files that Argo CD and Flux apply."""
