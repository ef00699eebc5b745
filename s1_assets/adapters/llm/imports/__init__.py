"""Reading answers that were paid elsewhere, from the files of the tools that asked for them."""

from s1_assets.adapters.llm.imports.answers import ImportedAnswer, Read, Unreadable
from s1_assets.adapters.llm.imports.formats import FORMATS, read_answers

__all__ = ["FORMATS", "ImportedAnswer", "Read", "Unreadable", "read_answers"]
