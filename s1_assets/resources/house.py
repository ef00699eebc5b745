"""The installation as assets see it: settings, catalogue, tables, models, graders."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import dagster as dg
import pyarrow as pa

from s1_assets.adapters.grading import GRADERS, grader_named
from s1_assets.adapters.llm.client import LedgeredModel
from s1_assets.adapters.llm.directory import Directory
from s1_assets.adapters.storage.ordering import sorted_batches
from s1_assets.domain.catalogue.merge import Catalogue
from s1_assets.domain.fingerprints import fingerprint_of
from s1_assets.domain.model_table.table import ModelTable
from s1_assets.ports import Grader, LanguageModel, SourceReader, TableStore
from s1_assets.records.models import Caller, ModelName, Role
from s1_assets.records.sources import Source
from s1_assets.records.tables import Table
from s1_assets.resources.answering import Answering, Means, purse_for, terms_for
from s1_assets.resources.asking import Asking, open_model_table
from s1_assets.resources.settings import Settings, read_settings
from s1_assets.resources.storage import open_catalogue, open_readers, open_tables

if TYPE_CHECKING:
    from s1_assets.adapters.llm.ledger import Ledger

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

    @cached_property
    def models(self) -> ModelTable:
        return open_model_table(self.settings)

    @cached_property
    def directory(self) -> Directory:
        return Directory(self.settings.access)

    def model_faults(self, models: Iterable[ModelName]) -> list[str]:
        """Why models cannot be asked, one line each, known before anything is asked; empty where all can."""
        wanted, today = list(dict.fromkeys(models)), datetime.now(UTC).date()
        known = [fault for model in wanted if (fault := self.models.fault_of(model, today))]
        return known or self.directory.faults(wanted)

    def asker(self, role: Role, models: Sequence[ModelName], budget: str = "") -> LanguageModel:
        """Models for whoever is not a step of a run, through the same ledger, keys, limits and budget.

        Args:
            budget: What the cost counts against; calls of the same name share one cap. Empty: this call alone.
        """
        name = budget or uuid.uuid4().hex
        caller = Caller("ask", "", name, name)
        return LedgeredModel(
            self.directory,
            self.ledger,
            caller,
            terms_for(self.models, role, models),
            purse_for(self.settings, self.models, caller.budget, models),
        )

    def model(self, context: dg.AssetExecutionContext, role: Role, asked: Sequence[Asking]) -> Answering:
        """Models in their role for the step that runs; calls are recorded under its asset, partition and run."""
        means = Means(self.settings, self.directory, self.models, self.ledger)
        return Answering(means, context, role, [asking.model for asking in asked])
