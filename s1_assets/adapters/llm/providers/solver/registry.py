"""The families in the order in which they are tried; a question belongs to the first that understands it."""

from collections.abc import Callable

from s1_assets.adapters.llm.providers.solver.families import Family

FAMILIES: tuple[Callable[[], Family], ...] = ()
