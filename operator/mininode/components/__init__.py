"""What a node is made of: one file a component."""
