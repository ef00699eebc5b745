"""Reading `provider:model[@base_url]`."""

import re

from s1_assets.records.models import ModelName

_SECRETS = re.compile(r"@https?://.*[@?#]")
"""Parts of a URL that could hold a secret, which a model's name would carry into tables."""
PROVIDERS = ("solver", "gemini", "vertex", "openai", "vllm", "replay")
"""Every provider that the house knows of; which are built in is the adapters' affair."""


def parse_model_name(text: str) -> ModelName:
    """The model named by `text`.

    >>> parse_model_name("openai:Qwen/Qwen3:free@http://127.0.0.1:8000/v1")
    ModelName(provider='openai', model='Qwen/Qwen3:free', base_url='http://127.0.0.1:8000/v1')

    Raises:
        ValueError: With what was found and what is accepted.
    """
    if _SECRETS.search(text):
        raise ValueError("a base URL holds no user, password or query; a server's key is given by OPENAI_API_KEY")
    provider, colon, rest = text.strip().partition(":")
    model, at, base_url = rest.rpartition("@")
    if not at:
        model, base_url = rest, ""
    if not colon or not model:
        raise ValueError(f"{text!r} is not of the form provider:model[@base_url], for example solver:teacher-v1")
    if provider not in PROVIDERS:
        raise ValueError(f"{text!r} names the provider {provider!r}; accepted are {', '.join(PROVIDERS)}")
    if at and not base_url.startswith(("http://", "https://")):
        raise ValueError(f"{text!r} has the base URL {base_url!r}; it starts with http:// or https://")
    return ModelName(provider, model, base_url.rstrip("/") or None)
