"""The catalogue's files: the packaged ones, and the user's, of which `user.yaml` is written here."""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import yaml

from s1_assets.domain.catalogue.documents import meant
from s1_assets.domain.catalogue.merge import USER_FILE, Catalogue, load_catalogue
from s1_assets.errors import CatalogueError

_PACKAGE = "s1_assets.domain.catalogue"
_ENDINGS = (".yaml", ".yml")
_UNUSABLE = "the source catalogue cannot be used"
_UNCHANGED = "nothing was changed"


def packaged_texts() -> dict[str, str]:
    """The texts of the packaged files by name."""
    folder = resources.files(_PACKAGE).joinpath("packaged")
    found = [file for file in folder.iterdir() if file.name.endswith(".yaml")] if folder.is_dir() else []
    return {file.name: file.read_text("utf-8") for file in sorted(found, key=lambda file: file.name)}


def read_catalogue(user: Path | str | None = None) -> Catalogue:
    """The packaged catalogue, overlaid by the user's files.

    Args:
        user: `S1_SOURCES`: a YAML file, or a folder of them; a folder that is not there adds nothing.

    Raises:
        CatalogueError: Naming every fault of every file.
    """
    return load_catalogue(packaged_texts(), {} if user is None else _user_texts(Path(user).expanduser()))


class UserCatalogue:
    """The user's own entries, changed one at a time; two writers at once do not lose each other's change.

    Args:
        user: `S1_SOURCES`: a folder, in which `user.yaml` is written, or the YAML file to write.
    """

    def __init__(self, user: Path | str) -> None:
        self._user = Path(user).expanduser()
        self.file = self._user if _is_file(self._user) else self._user / USER_FILE

    def add(self, key: str, entry: Mapping[str, object], replace: bool = False) -> Catalogue:
        """Write a new entry, checked as part of the whole catalogue, and return that.

        Raises:
            CatalogueError: If the entry is faulty, or the key is taken and `replace` is false. Nothing was changed.
        """

        def put(entries: dict[str, object], catalogue: Catalogue) -> None:
            if not replace and (key in catalogue.sources or key in entries):
                files = ", ".join(catalogue.files.get(key, (USER_FILE,)))
                raise CatalogueError(_UNCHANGED, [f"source {key!r} is there already ({files}); accepted: a new key"])
            entries[key] = dict(entry)

        return self._change(put)

    def set_enabled(self, key: str, enabled: bool) -> Catalogue:
        """Switch a source on or off, and return the whole catalogue.

        Raises:
            CatalogueError: If there is no such source. Nothing was changed.
        """

        def put(entries: dict[str, object], catalogue: Catalogue) -> None:
            if key not in catalogue.sources:
                known = ", ".join(catalogue.sources)
                near = meant(key, catalogue.sources)
                raise CatalogueError(_UNCHANGED, [f"no source {key!r}{near}; there are: {known}"])
            present = entries.get(key)
            entries[key] = {**(present if isinstance(present, dict) else {}), "enabled": enabled}

        return self._change(put)

    def _change(self, put: Callable[[dict[str, object], Catalogue], None]) -> Catalogue:
        packaged = packaged_texts()
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with _locked(self.file):
                texts = _user_texts(self._user, may_lack=True)
                before = load_catalogue(packaged, texts)
                entries = yaml.safe_load(texts.get(self.file.name, "")) or {}
                put(entries, before)
                text = yaml.safe_dump(entries, sort_keys=False, allow_unicode=True, width=110)
                after = load_catalogue(packaged, {**texts, self.file.name: text})
                _write_whole(self.file, text)
        except OSError as error:
            raise CatalogueError(_UNCHANGED, [f"{self.file} cannot be written: {error}"]) from error
        return after


def _is_file(user: Path) -> bool:
    return not user.is_dir() and user.suffix in _ENDINGS


def _user_texts(user: Path, may_lack: bool = False) -> dict[str, str]:
    if _is_file(user):
        if not user.exists() and may_lack:
            return {}
        files = [user]
    elif user.exists() and not user.is_dir():
        raise CatalogueError(_UNUSABLE, [f"{user}: accepted: a folder, or a file ending in {' or '.join(_ENDINGS)}"])
    else:
        files = sorted(file for file in user.glob("*") if file.suffix in _ENDINGS and not file.name.startswith("."))
    texts, faults = {}, []
    for file in files:
        try:
            texts[file.name] = file.read_text("utf-8-sig")
        except UnicodeDecodeError as error:
            faults.append(f"{file}: not UTF-8: byte 0x{error.object[error.start]:02x} at {error.start + 1}")
        except OSError as error:
            faults.append(f"{file}: cannot be read: {error.strerror}")
    if faults:
        raise CatalogueError(_UNUSABLE, faults)
    return texts


def _write_whole(file: Path, text: str) -> None:
    """All of it or nothing, also when the machine stops in between."""
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """One writer at a time, across processes; where there is no `fcntl` (Windows) the last writer wins."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with file.with_name(f".{file.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
