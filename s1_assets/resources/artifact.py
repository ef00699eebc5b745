"""What an asset hands to the IO manager, and what decides whether it must be made again."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import dagster as dg
import pyarrow as pa

from s1_assets.records.questions import SetAside

if TYPE_CHECKING:
    from s1_assets.resources.house import House

Options = TypeVar("Options", bound=dg.Config)


@dataclass
class Artifact:
    """A table in the making. Nothing is computed before the IO manager consumes `batches`."""

    batches: Iterable[pa.RecordBatch]
    effective: Mapping[str, Any] = field(default_factory=dict)
    """What decided the content besides the inputs; see `Recipe`."""
    set_aside: Sequence[SetAside] = ()
    """Rows that could not go on; may be a list that grows while `batches` is consumed."""
    facts: Callable[[], Mapping[str, Any]] = dict
    """Numbers and short texts for people, known after the last batch."""
    plot: Callable[[], str | None] | None = None
    """Markdown with a picture, known after the last batch."""


@dataclass(frozen=True)
class Recipe(Generic[Options]):
    """What decides an asset's content besides its inputs: its options, and the settings and outside state it uses.

    The asset puts it into its artifact; `s1 run` asks it again, without running anything, to see whether the stored
    table still stands.
    """

    options: type[Options]
    settings: Callable[["House", str | None, Options], Mapping[str, Any]] = lambda house, partition, options: {}

    def effective(self, house: "House", partition: str | None, options: Options) -> dict[str, Any]:
        """Options and settings in effect, as JSON values."""
        in_effect = self.settings(house, partition, options)
        return {"options": options.model_dump(mode="json"), "settings": dict(in_effect)}
