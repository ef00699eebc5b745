"""The ledger of paid answers, and what the processes that use it agree on through its database."""

from s1_assets.adapters.llm.ledger.store import Ledger, LedgerEntry, Receipt, Spending

__all__ = ["Ledger", "LedgerEntry", "Receipt", "Spending"]
