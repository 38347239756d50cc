"""Secrets that are made once and kept."""
