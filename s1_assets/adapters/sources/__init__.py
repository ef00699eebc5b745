"""Readers of source rows, one per kind of source."""
