"""The source catalogue: entries, their checks, and how a source row becomes a question."""
