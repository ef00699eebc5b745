"""Readers of source rows, one per kind of source, and the catalogue's files.

Choosing rows and mapping them to questions is `domain.catalogue`.
"""
