"""The realm that a node wants, as a value: computed from the spec, without a network or a disk."""
