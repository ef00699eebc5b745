"""Reader of `huggingface` sources: data sets of the Hub, or local folders that the `datasets` library can load.

Code of a data set is never run. A revision that is no commit is resolved once and the rows are read at that commit.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from s1_assets.errors import SourceUnreadable
from s1_assets.records.sources import Source, SourceRow

_COMMIT = re.compile(r"[0-9a-f]{40}")


class HuggingFaceReader:
    """Reads rows of one or several configurations and splits, one after another.

    Args:
        token: For private and gated data sets; None leaves it to the library (`HF_TOKEN`, a login).
    """

    def __init__(self, token: str | None = None) -> None:
        self._token = token
        self._commits: dict[tuple[str, str | None], str] = {}

    def state(self, source: Source) -> str:
        """The commit; for a local folder a digest of its files' paths, sizes and times."""
        if Path(source.location).is_dir():
            return _folder_digest(Path(source.location), with_content=False)
        return self._commit(source)

    def revision(self, source: Source) -> str:
        """The commit; for a local folder a digest of its files' content."""
        if Path(source.location).is_dir():
            return _folder_digest(Path(source.location), with_content=True)
        return self._commit(source)

    def rows(self, source: Source) -> Iterator[SourceRow]:
        """Every row, with locators `SPLIT#ROW` or `CONFIG/SPLIT#ROW`."""
        for config in _each(source.config_name):
            for split in _each(source.split):
                name = "/".join(part for part in (config, split) if part)
                yield from self._split_rows(source, config, split, name)

    def _split_rows(self, source: Source, config: str | None, split: str | None, name: str) -> Iterator[SourceRow]:
        with _readable(source, name):
            loaded = self._load(source, config, split)
            for number, values in enumerate(loaded, start=1):
                yield SourceRow(f"{name}#{number}", values)

    def _load(self, source: Source, config: str | None, split: str | None) -> Any:
        import datasets

        local = Path(source.location).is_dir()
        datasets.disable_progress_bars()
        loaded = datasets.load_dataset(
            source.location,
            config,
            split=split,
            revision=None if local else self._commit(source),
            streaming=source.streaming,
            token=self._token,
        )
        return loaded.decode(False) if hasattr(loaded, "decode") else _undecoded(loaded)

    def _commit(self, source: Source) -> str:
        """The commit that the entry's revision means now; asked once."""
        if source.revision is not None and _COMMIT.fullmatch(source.revision):
            return source.revision
        asked = (source.location, source.revision)
        if asked not in self._commits:
            with _readable(source, "its commit"):
                from huggingface_hub import HfApi

                info = HfApi(token=self._token).dataset_info(source.location, revision=source.revision, timeout=30)
                self._commits[asked] = str(info.sha)
        return self._commits[asked]


def _undecoded(loaded: Any) -> Any:
    """Images and sounds as bytes: decoding needs packages that the text of a question does not."""
    for name, feature in loaded.features.items():
        if hasattr(feature, "decode") and isinstance(getattr(feature, "decode", None), bool):
            loaded = loaded.cast_column(name, type(feature)(decode=False))
    return loaded


def _each(value: str | tuple[str, ...] | None) -> tuple[str | None, ...]:
    return value if isinstance(value, tuple) else (value,)


def _folder_digest(folder: Path, with_content: bool) -> str:
    found = hashlib.blake2b()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        stat = path.stat()
        found.update(f"{path.relative_to(folder).as_posix()}\n{stat.st_size}\n".encode(errors="backslashreplace"))
        if with_content:
            with path.open("rb") as stream:
                found.update(hashlib.file_digest(stream, "blake2b").digest())
        else:
            found.update(str(stat.st_mtime_ns).encode())
    return f"blake2b:{found.hexdigest()[:32]}"


@contextmanager
def _readable(source: Source, part: str) -> Iterator[None]:
    """Whatever the Hub's libraries raise, as `SourceUnreadable` naming the data set and what to do."""
    try:
        yield
    except SourceUnreadable:
        raise
    except Exception as error:
        text = " ".join(str(error).split())[:300] or type(error).__name__
        at = f" at revision {source.revision}" if source.revision else ""
        raise SourceUnreadable(
            f"source {source.key}: data set {source.location!r} ({part}){at} cannot be read: {text}. {_advice(error)}"
        ) from error


def _advice(error: Exception) -> str:
    text = f"{type(error).__name__}: {error}".lower()
    if "script" in text or "trust_remote_code" in text:
        return (
            "Data sets that are a program are not run here: try revision refs/convert/parquet, "
            "or give its files to a source of kind table"
        )
    if "gatedrepo" in text or "403" in text:
        return "Accept its terms on the Hub and set HF_TOKEN"
    if "builderconfig" in text or "config name" in text:
        return "Set config_name to one of its configurations"
    if "split" in text:
        return "Set split to one of its splits"
    if "doesn't exist" in text or "401" in text or "404" in text or "notfound" in text:
        return "Check name and revision; a private or gated data set needs HF_TOKEN"
    return (
        "Check the network and HF_HUB_OFFLINE; what was downloaded before is used offline when revision names "
        "the 40-digit commit and streaming is false"
    )
