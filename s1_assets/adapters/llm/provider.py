"""What the engine asks of a provider of answers, and how a provider tells what became of a call.

A provider knows one vendor's wire: how a request is written and a reply is read. It tries once. Which key is used, how
fast, how often and for how long is the engine's affair.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from s1_assets.records.models import ModelName, ModelRequest, Reply

if TYPE_CHECKING:
    import aiohttp


@dataclass(frozen=True, slots=True)
class Key:
    """An API key. Its secret is not part of its repr, and is told to nobody but the vendor."""

    secret: str = field(repr=False)
    fingerprint: str
    """Short digest by which the ledger and people name it."""
    group: str
    """Keys of one group share their limits: for Gemini, those of one project."""


@dataclass(frozen=True, slots=True)
class CallLimits:
    """How long one try may take, in seconds."""

    total_s: float
    connect_s: float = 10.0
    silence_s: float = 120.0
    """Between two pieces of a streamed reply."""


FaultKind = Literal["transient", "limited", "key_dead", "key_exhausted", "no_answer", "failed", "unusable"]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a try gave no reply, sorted by what the engine does about it.

    - `transient`: the same try may succeed later (408, 5xx, a cut or silent connection, a body that is not JSON).
    - `limited`: too many requests or tokens for the key's group just now (429).
    - `key_dead`: the key is refused (401, 403); other keys go on.
    - `key_exhausted`: the key's quota for the day, or its money, is spent.
    - `no_answer`: the model gave none and may give one with another seed (no candidates, RECITATION, OTHER).
    - `failed`: this request can never be answered (400: too long, malformed); the row says so, others go on.
    - `unusable`: no request to this model can be answered (404, no such model, a wrong base URL): the run stops.
    """

    kind: FaultKind
    reason: str
    """One line for people, in the vendor's words where it gave some; holds no key."""
    wait_s: float | None = None
    """The vendor's own word on when to try again (Retry-After, RetryInfo)."""
    maybe_billed: bool = False
    """Whether the vendor may have done the work all the same: we gave up waiting, or the connection was cut."""
    maybe_request: bool = False
    """Of `key_dead`: whether the words fit a refused request as well (403); a key that has answered is not dead."""


@dataclass(frozen=True, slots=True)
class Told:
    """Limits of the key's group that a vendor's headers tell; None where they do not."""

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None


@dataclass(frozen=True, slots=True)
class Try:
    """One try of a request: a reply or a fault, and what the headers told."""

    outcome: Reply | Fault
    told: Told | None = None


class Provider(Protocol):
    """One vendor's wire, or an engine in this process."""

    name: str
    """First part of `provider:model`."""
    key_names: tuple[str, ...]
    """Environment names of its keys, first the one that wins; empty where it takes none."""

    def fault_of(self, model: ModelName) -> str | None:
        """Why that model cannot be called here, told before anything is; None if nothing is known against it."""
        ...


class RemoteProvider(Provider, Protocol):
    """A provider that answers many requests at once."""

    def endpoint(self, model: ModelName) -> str:
        """Base URL of the model's server; limits are counted per endpoint and model."""
        ...

    def in_flight_at(self, model: ModelName) -> int:
        """Requests under way at once per group of keys, unless told."""
        ...

    async def ask(
        self, session: "aiohttp.ClientSession", request: ModelRequest, key: Key | None, limits: CallLimits
    ) -> Try:
        """Try a request once.

        Never raises for what the network or the server does; cancelling it abandons the call.
        """
        ...


class LocalProvider(Provider, Protocol):
    """A provider that computes in this process, one request after the other, for nothing."""

    def complete(self, request: ModelRequest) -> Reply:
        """Answer one request.

        Raises:
            SettingsError: If the model does not exist at this provider.
        """
        ...
