"""The families in the order in which they are tried; a question belongs to the first that understands it."""

from collections.abc import Callable

from s1_assets.adapters.llm.providers.solver.families import Family
from s1_assets.adapters.llm.providers.solver.families.base_conversion import BaseConversion
from s1_assets.adapters.llm.providers.solver.families.basic_arithmetic import BasicArithmetic
from s1_assets.adapters.llm.providers.solver.families.calendar_arithmetic import CalendarArithmetic
from s1_assets.adapters.llm.providers.solver.families.chain_sum import ChainSum
from s1_assets.adapters.llm.providers.solver.families.count_primes import CountPrimes
from s1_assets.adapters.llm.providers.solver.families.course_schedule import CourseSchedule
from s1_assets.adapters.llm.providers.solver.families.dice import Dice
from s1_assets.adapters.llm.providers.solver.families.gcd import Gcd
from s1_assets.adapters.llm.providers.solver.families.knights_knaves import KnightsKnaves
from s1_assets.adapters.llm.providers.solver.families.largest_island import LargestIsland
from s1_assets.adapters.llm.providers.solver.families.lcm import Lcm
from s1_assets.adapters.llm.providers.solver.families.prime_factorization import PrimeFactorization
from s1_assets.adapters.llm.providers.solver.families.rotten_oranges import RottenOranges
from s1_assets.adapters.llm.providers.solver.families.time_intervals import TimeIntervals

FAMILIES: tuple[Callable[[], Family], ...] = (
    Gcd,
    Lcm,
    PrimeFactorization,
    CountPrimes,
    ChainSum,
    BasicArithmetic,
    BaseConversion,
    CourseSchedule,
    Dice,
    KnightsKnaves,
    LargestIsland,
    RottenOranges,
    CalendarArithmetic,
    TimeIntervals,
)
