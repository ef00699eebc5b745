"""Provider `replay`: answers that were imported into the ledger, and no others. Free; asks nobody.

`s1 ledger import FILE --as NAME` keeps answers under `replay:NAME`; a question that has none there is a row that says
so, and is looked for again the next time.
"""

from s1_assets.records.models import ModelName, ModelRequest, Reply


class Replay:
    """Says what is missing; what is there the client has found in the ledger before it asks."""

    name = "replay"
    key_names: tuple[str, ...] = ()

    def fault_of(self, model: ModelName) -> str | None:
        return None

    def complete(self, request: ModelRequest) -> Reply:
        return Reply("failed", f"no answer to this prompt was imported as {request.model.model}")
