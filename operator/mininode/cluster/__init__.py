"""Ways to have a Kubernetes API."""
