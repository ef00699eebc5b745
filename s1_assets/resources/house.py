"""The installation as assets see it: settings, catalogue, tables, models, graders."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from functools import cached_property
from itertools import tee
from typing import TYPE_CHECKING, Any, TypeVar

import dagster as dg
import pyarrow as pa

from s1_assets.adapters.grading import GRADERS, grader_named
from s1_assets.adapters.llm.client import LedgeredModel
from s1_assets.adapters.llm.directory import provider_named
from s1_assets.adapters.storage.ordering import sorted_batches
from s1_assets.domain.catalogue.merge import Catalogue
from s1_assets.domain.fingerprints import fingerprint_of
from s1_assets.ports import Grader, LanguageModel, SourceReader, TableStore
from s1_assets.records.models import Caller, ModelRequest, Reply
from s1_assets.records.sources import Source
from s1_assets.records.tables import Table
from s1_assets.resources.progress import counted
from s1_assets.resources.settings import Settings, read_settings
from s1_assets.resources.storage import open_catalogue, open_readers, open_tables

if TYPE_CHECKING:
    from s1_assets.adapters.llm.ledger import Ledger

Work = TypeVar("Work")
SPOOL = ".s1/spool"
"""Folder for the temporary file of a sort that does not fit in memory."""


class House(dg.ConfigurableResource[Any]):
    """Everything an asset may ask of the world, built from the environment when first used."""

    @cached_property
    def settings(self) -> Settings:
        return read_settings()

    @cached_property
    def catalogue(self) -> Catalogue:
        return open_catalogue(self.settings)

    @cached_property
    def tables(self) -> TableStore:
        return open_tables(self.settings)

    @cached_property
    def ledger(self) -> "Ledger":
        from s1_assets.adapters.llm.ledger import (
            Ledger,
        )  # brings SQLAlchemy, which loading the definitions does not need

        return Ledger(self.settings.ledger)

    def source(self, key: str) -> Source:
        """The catalogue entry of a source partition."""
        return self.catalogue.sources[key]

    def entry_fingerprint(self, key: str) -> str:
        """Of everything in a catalogue entry that decides what its rows are."""
        return fingerprint_of(asdict(replace(self.source(key), enabled=True, watch=False, title="", notes="")))

    @cached_property
    def reader(self) -> SourceReader:
        return open_readers(self.settings)

    def sorted(self, batches: Iterable[pa.RecordBatch], table: Table) -> Iterator[pa.RecordBatch]:
        """Batches in the order in which `table` is stored, in bounded memory."""
        return sorted_batches(batches, table, SPOOL)

    def grader(self, name: str) -> Grader:
        return grader_named(name)

    def grader_of(self, key: str) -> dict[str, str | None]:
        """Name and version of the grader of a source: a changed one makes the source's verdicts stale, and no other's.

        The version is None where this installation has no such grader.
        """
        name = self.source(key).grader
        return {name: GRADERS[name].version if name in GRADERS else None}

    def model(self, context: dg.AssetExecutionContext) -> "Answering":
        """Models for the step that runs, their calls recorded under its asset, partition and run."""
        return Answering(context, self.ledger)


class Answering:
    """Asks models for one step and counts what was paid."""

    def __init__(self, context: dg.AssetExecutionContext, ledger: "Ledger") -> None:
        self._context = context
        self._asset = context.asset_key.to_user_string()
        self._partition = context.partition_key if context.has_partition_key else None
        self._caller = Caller(self._asset, self._partition or "", context.run_id)
        self._model = LedgeredModel(provider_named, ledger, self._caller)

    def answer_each(
        self, work: Iterable[tuple[Work, ModelRequest]], total: int | None = None
    ) -> Iterator[tuple[Work, Reply]]:
        """What each piece of work asked for, in order, in bounded memory."""
        pieces, requests = tee(work)
        model: LanguageModel = self._model
        replies = model.answer_all(request for _, request in requests)
        pairs = ((piece, reply) for (piece, _), reply in zip(pieces, replies, strict=True))
        return counted(pairs, self._context, self._asset, self._partition, total)

    def counts(self) -> dict[str, int]:
        """Calls taken from the ledger, asked anew, and of these paid by another run at the same moment too."""
        model = self._model
        return {"from_ledger": model.from_ledger, "asked": model.asked, "paid_again": model.paid_again}
