"""The one door to Helm."""
