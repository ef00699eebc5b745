"""What the client asks of a provider of answers."""

from typing import Protocol

from s1_assets.records.models import ModelName, ModelRequest, Reply


class Provider(Protocol):
    """One vendor, server or algorithm."""

    name: str
    """First part of `provider:model`."""
    in_flight: int
    """Calls that may be under way at once; 1 for a provider that computes in this process."""

    def fault_of(self, model: ModelName) -> str | None:
        """Why that model cannot be called here, told before anything is; None if nothing is known against it."""
        ...

    def complete(self, request: ModelRequest) -> Reply:
        """Answer one request; a failed call is a reply with its status.

        Raises:
            SettingsError: If the model does not exist at this provider; nothing was paid.
        """
        ...
