"""The commands and their screens."""
