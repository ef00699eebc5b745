"""Everything of ours that can go wrong, sorted by what the caller may do about it.

S1Error
├── Stop                  nothing goes on until a person changes something
│   ├── SettingsError     environment or options: every fault at once
│   ├── CatalogueError    source entries: every fault at once
│   ├── SourceUnreadable  a source's file, URL or data set cannot be read
│   ├── ModelUnusable     a model's server refuses us: wrong key, no such model, no key left
│   ├── BudgetSpent       the next call could cost more than the budget has left
│   ├── ContractError     a table breaks the contract between assets (`records.tables`)
│   └── StorageError      tables cannot be written or read back
└── Wait                  the same call may succeed later
    ├── ModelUnreachable  a model's server does not answer; what was answered before is in the ledger
    └── WriteConflict     another writer finished the same partition first; its version stands

A row that cannot go on is not an exception: it is a row with a reason (`records.tables.SET_ASIDE`, `Reply.status`,
`Verdict.mark`).
"""

from collections.abc import Sequence


class S1Error(Exception):
    """Root of all errors that this package raises on purpose."""


class Stop(S1Error):  # noqa: N818  (a kind of error, named by what the caller does)
    """Nothing goes on until a person changes something; the message says what."""


class Wait(S1Error):  # noqa: N818
    """The same call may succeed later."""


class _Faults(Stop):
    """Several faults told at once, one per line."""

    def __init__(self, heading: str, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n  - ".join((heading, *self.faults)))


class SettingsError(_Faults):
    """Settings or options that cannot be used: each line names one and the values that are accepted."""


class CatalogueError(_Faults):
    """Source entries that cannot be used: each line names file, source and field."""


class SourceUnreadable(Stop):
    """A source's file, URL or data set cannot be read."""


class ModelUnusable(Stop):
    """A model's server refuses us: wrong key, no such model."""


class BudgetSpent(Stop):
    """The next call could cost more than the budget has left; what was answered before is in the ledger."""


class ContractError(Stop):
    """A table does not hold what `records.tables` promises; nothing was replaced."""


class StorageError(Stop):
    """Tables cannot be written or read back; the old version stands."""


class ModelUnreachable(Wait):
    """A model's server does not answer; what was answered before is in the ledger."""


class WriteConflict(Wait):
    """Another writer finished the same partition first; its version stands and ours was dropped."""
