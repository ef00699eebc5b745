"""`python -m s1_assets_tests.benchmarks NAME [options]`: speed and memory, measured beside a peer in the same run.

Each module of this package offers `BENCHMARKS`, but for drivers that others start: by name, a function that takes the
remaining arguments.
Without a name, lists them.
"""

import importlib
import pkgutil
import sys
from collections.abc import Callable, Sequence

from s1_assets_tests import benchmarks


def main(arguments: Sequence[str]) -> int:
    found = _all()
    if not arguments or arguments[0] not in found:
        if arguments:
            print(f"no benchmark {arguments[0]!r}")
        for name, run in sorted(found.items()):
            print(f"{name:16} {(run.__doc__ or '').splitlines()[0]}")
        return 1 if arguments else 0
    found[arguments[0]](arguments[1:])
    return 0


def _all() -> dict[str, Callable[[Sequence[str]], None]]:
    found: dict[str, Callable[[Sequence[str]], None]] = {}
    for module in pkgutil.iter_modules(benchmarks.__path__, f"{benchmarks.__name__}."):
        if not module.name.endswith("__main__"):
            found |= getattr(importlib.import_module(module.name), "BENCHMARKS", {})
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
