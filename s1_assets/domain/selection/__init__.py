"""Selections: filters that answer keep, or drop with a reason, and seeded draws."""
