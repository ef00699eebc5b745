"""The identity of a paid call: what must be equal for an answer to be the same answer."""

import json
from hashlib import blake2b

from s1_assets.records.models import ModelRequest

_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode


def canonical_request(request: ModelRequest) -> str:
    """The request as canonical JSON text: what the ledger stores and what its key is made of."""
    sampling = request.sampling
    return _encode(
        {
            "provider": request.model.provider,
            "base_url": request.model.base_url,
            "model": request.model.model,
            "messages": [[message.role, message.content] for message in request.messages],
            "sampling": {
                "max_output_tokens": sampling.max_output_tokens,
                "temperature": sampling.temperature,
                "top_p": sampling.top_p,
                "top_k": sampling.top_k,
                "seed": sampling.seed,
            },
            "thinking": dict(request.thinking),
            "sample_index": request.sample_index,
        },
    )


def call_key(request: ModelRequest) -> str:
    """160-bit key of a call, 40 hex digits.

    Two requests have the same key when provider, base URL, model, messages, sampling, thinking settings and sample
    index are equal; asset, partition, run and API key play no part, so an answer paid once serves everywhere.
    """
    return text_key(canonical_request(request))


def text_key(text: str) -> str:
    """The key of a request that is already in canonical text."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()
