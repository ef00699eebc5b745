"""Verdict rules and text comparison that need no library, process, sandbox or model."""
