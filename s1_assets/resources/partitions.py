"""Partitions: one per enabled source, read from the catalogue when the definitions load."""

import dagster as dg

from s1_assets.resources.settings import read_settings
from s1_assets.resources.storage import open_catalogue


def source_partitions() -> dg.StaticPartitionsDefinition:
    """The enabled sources; a static list, so that a fresh clone can materialise any of them at once."""
    return dg.StaticPartitionsDefinition(list(open_catalogue(read_settings()).enabled))


SOURCES = source_partitions()
"""Shared by all assets that are partitioned by source."""

OWNERS = ["team:data"]
