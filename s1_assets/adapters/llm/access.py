"""What the environment grants: keys, and limits as a person told them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ToldLimits:
    """Limits of a provider as a person set them, for each group of keys; None: to be learned, or the default."""

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    requests_per_day: int | None = None
    in_flight: int | None = None
    shared: bool = False
    """Whether all keys share one set of limits."""


@dataclass(frozen=True)
class Access:
    """What the environment grants: keys, limits, and where Vertex is."""

    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Read for keys alone."""
    limits: Mapping[str, ToldLimits] = field(default_factory=dict)
    """By provider."""
    cloud_project: str | None = None
    cloud_location: str | None = None
    vllm: Mapping[str, object] = field(default_factory=dict)
    """Options of the engine in this process: tensor_parallel_size, max_model_len, dtype, ..."""
