"""Telling a running `dagster dev` that the catalogue has changed."""

import json
import os
from urllib.error import URLError
from urllib.request import Request, urlopen

LOCATION = "s1_assets"
WAIT_S = 30
"""A reload starts the code location anew, which takes some seconds."""
_MUTATION = """mutation Reload($name: String!) {
  reloadRepositoryLocation(repositoryLocationName: $name) { __typename ... on ReloadNotSupported { message } }
}"""


def reload_running_ui() -> str:
    """Ask the web server on this machine to read the catalogue anew; what to tell the user."""
    port = os.environ.get("DAGSTER_WEBSERVER_PORT", "3000")
    body = json.dumps({"query": _MUTATION, "variables": {"name": LOCATION}}).encode()
    request = Request(f"http://127.0.0.1:{port}/graphql", body, {"content-type": "application/json"})
    try:
        with urlopen(request, timeout=WAIT_S) as reply:
            answer = json.load(reply)
    except (URLError, TimeoutError, ConnectionError, ValueError):
        return f"No `dagster dev` answers on port {port}; one elsewhere shows the change after Deployment > Reload."
    if '"WorkspaceLocationEntry"' in json.dumps(answer):
        return "The running `dagster dev` has read the catalogue anew."
    return f"A web server answers on port {port}, but did not reload {LOCATION}; press Deployment > Reload in its UI."
