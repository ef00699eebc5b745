"""Whether a base URL names a server of the user's own, where asking costs nothing by the token."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from s1_assets.records.models import ModelName

_OWN_NAMES = ("localhost", "localhost.localdomain")
_OWN_ENDINGS = (".localhost", ".local")


def is_own_server(model: ModelName) -> bool:
    """Whether the model is computed by the user: always for `vllm`; for `openai` if its base URL is near.

    Near are loopback, private and link-local addresses, `localhost`, and names ending in `.local`. A proxy on such an
    address that passes calls on to a paid service cannot be told from a server; a price in the model table tells it.
    """
    if model.provider != "openai":
        return model.provider == "vllm"
    return model.base_url is not None and _is_near(_host(model.base_url))


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_near(host: str) -> bool:
    if host in _OWN_NAMES or host.endswith(_OWN_ENDINGS):
        return True
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return address.is_private or address.is_link_local
