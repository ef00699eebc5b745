"""The families in the order in which they are tried; a question belongs to the first that understands it."""

from collections.abc import Callable

from s1_assets.adapters.llm.providers.solver.families import Family
from s1_assets.adapters.llm.providers.solver.families.gcd import Gcd
from s1_assets.adapters.llm.providers.solver.families.lcm import Lcm

FAMILIES: tuple[Callable[[], Family], ...] = (Gcd, Lcm)
