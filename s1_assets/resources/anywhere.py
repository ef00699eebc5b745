"""Working in a project, or in any folder: its own `.env`, and a ledger of its own under `.s1`."""

import os
from pathlib import Path

from s1_assets.errors import SettingsError
from s1_assets.resources.project import _load_env, enter_project
from s1_assets.resources.settings import Settings


def enter_project_or_folder(begin: bool) -> Path:
    """Change to the project root, or stay where no folder above is one; load `.env` either way.

    Args:
        begin: Whether a folder that has no ledger yet may get one.

    Raises:
        SettingsError: If there is neither a project nor a ledger, or `.env` cannot be read.
    """
    try:
        return enter_project()
    except SettingsError as error:
        if not str(error).startswith("no project root") or os.environ.get("DAGSTER_HOME", "").strip():
            raise
        here = Path.cwd()
        _load_env(None, here)
        ledger = Path(Settings.ledger.removeprefix("sqlite:///"))
        if not begin and not ledger.is_file() and not os.environ.get("S1_LEDGER", "").strip():
            raise SettingsError("no ledger:", [*error.faults, f"and {here} holds no {ledger}"]) from None
        return here
