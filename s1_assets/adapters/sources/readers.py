"""The reader for every kind of source, behind the port `SourceReader`."""

from collections.abc import Iterator

from s1_assets.adapters.sources.huggingface import HuggingFaceReader
from s1_assets.adapters.sources.places import StorageOptions
from s1_assets.adapters.sources.reasoning_gym import ReasoningGymReader
from s1_assets.adapters.sources.table import TableReader
from s1_assets.ports import SourceReader
from s1_assets.records.sources import Kind, Source, SourceRow


class SourceReaders:
    """Reads a source of any kind.

    Args:
        storage_options: By protocol (`s3`, `gs`, `http`): what fsspec's file system is made with, credentials among it.
        hub_token: Of the Hugging Face Hub; None leaves it to the library.
    """

    def __init__(self, storage_options: StorageOptions | None = None, hub_token: str | None = None) -> None:
        self._readers: dict[Kind, SourceReader] = {
            "reasoning_gym": ReasoningGymReader(),
            "table": TableReader(storage_options),
            "huggingface": HuggingFaceReader(hub_token),
        }

    def state(self, source: Source) -> str:
        """What identifies the source's present content."""
        return self._readers[source.kind].state(source)

    def revision(self, source: Source) -> str:
        """What the rows' `revision` column says."""
        return self._readers[source.kind].revision(source)

    def rows(self, source: Source) -> Iterator[SourceRow]:
        """Every row in the source's own order."""
        return self._readers[source.kind].rows(source)
