"""Finding the project root, and making relative settings mean the same for `s1`, `dagster dev` and run workers."""

import os
from collections.abc import Mapping
from pathlib import Path

from s1_assets.errors import SettingsError

CONFIG_FILE = "dagster.yaml"
OUR_MARK = "s1_assets"
"""Text that tells our `workspace.yaml` from another project's."""


def enter_project(env_file: Path | None = None, load_env: bool = True) -> Path:
    """Change to the project root and load its `.env`; names that the shell has set already win.

    The root is `$DAGSTER_HOME` if set, else the nearest parent folder with our `dagster.yaml`.

    Args:
        env_file: Read instead of the root's `.env`; it must exist.
        load_env: False for a process that inherits a complete environment, a worker: a `.env` that its parent was told
            not to read must not come back.

    Raises:
        SettingsError: If there is no project root, or `env_file` cannot be read.
    """
    given = env_file.absolute() if env_file is not None else None
    root = _root(os.environ)
    os.chdir(root)
    if load_env:
        _load_env(given, root)
    os.environ.setdefault("DAGSTER_HOME", str(root))
    return root


def check_place(*relative: str) -> None:
    """Refuse to work in a folder that is no project root, where relative settings would begin a second store.

    Args:
        relative: Names of the settings that are relative here; none of them: any folder will do.

    Raises:
        SettingsError: If there are some and the working directory is no project root.
    """
    if relative and not Path(CONFIG_FILE).is_file():
        made = " and ".join(relative)
        raise SettingsError(
            "not a project root:", [f"{Path.cwd()} holds no {CONFIG_FILE}, and what {made} name would be made in it"]
        )


def _root(environment: Mapping[str, str]) -> Path:
    home = environment.get("DAGSTER_HOME", "").strip()
    if home:
        path = Path(home)
        if not path.is_absolute() or not (path / CONFIG_FILE).is_file():
            raise SettingsError(
                "no project root:", [f"DAGSTER_HOME={home} is not an absolute folder with a {CONFIG_FILE} in it"]
            )
        return path
    here = Path.cwd()
    for folder in (here, *here.parents):
        workspace = folder / "workspace.yaml"
        if (folder / CONFIG_FILE).is_file() and workspace.is_file() and OUR_MARK.encode() in workspace.read_bytes():
            return folder
    raise SettingsError(
        "no project root:",
        [
            f"neither {here} nor a folder above it holds our {CONFIG_FILE} and workspace.yaml, and DAGSTER_HOME is not "
            "set; change to your clone of s1_assets, or export DAGSTER_HOME=/path/to/it"
        ],
    )


def _load_env(given: Path | None, root: Path) -> None:
    from dotenv import dotenv_values

    path = given or root / ".env"
    if given is not None and not given.is_file():
        raise SettingsError("settings that cannot be used:", [f"--env {given}: there is no such file"])
    if path.is_file():
        try:
            values = dotenv_values(path)
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError("settings that cannot be used:", [f"{path} cannot be read: {error}"]) from error
        for name, value in values.items():
            if value is not None:
                os.environ.setdefault(name, value)
