"""API keys: where they come from, and which of them share limits."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from s1_assets.adapters.llm.provider import Key
from s1_assets.errors import SettingsError

FILE_ENDING = "S_FILE"
"""`GEMINI_API_KEYS_FILE`: a file of keys, one per line, each with the name of its group after it if it has one."""


@dataclass(frozen=True)
class KeyRing:
    """The keys of one provider; its repr tells their fingerprints alone."""

    keys: tuple[Key, ...]

    @property
    def groups(self) -> dict[str, tuple[Key, ...]]:
        """Keys by the group that shares their limits."""
        found: dict[str, list[Key]] = {}
        for key in self.keys:
            found.setdefault(key.group, []).append(key)
        return {group: tuple(keys) for group, keys in found.items()}


def read_keys(names: Sequence[str], environment: Mapping[str, str], shared: bool = False) -> KeyRing:
    """The keys of a provider.

    Args:
        names: Environment names without number, the one that wins first: `NAME`, then `NAME_1`, `NAME_2`, ... in the
            order of their numbers, then the lines of the file that `NAMES_FILE` names. A later name counts only where
            an earlier one gives no key.
        shared: Whether all keys share one set of limits, as Gemini keys of one project do. Otherwise each key is a
            group of its own, but for lines of a file that name their group.

    Raises:
        SettingsError: If a file of keys cannot be read; no key is part of the message.
    """
    for name in names:
        if found := _of(name, environment):
            keys = dict.fromkeys(secret for secret, _ in found)
            groups: dict[str, str | None] = {}
            for secret, group in found:
                groups[secret] = groups.get(secret) or group
            return KeyRing(tuple(_key(secret, "all" if shared else groups[secret]) for secret in keys))
    return KeyRing(())


def _of(name: str, environment: Mapping[str, str]) -> list[tuple[str, str | None]]:
    """Secrets under a name with their groups, which only a file tells."""
    numbered = sorted(
        (int(match[1]), variable)
        for variable in environment
        if (match := re.fullmatch(rf"{re.escape(name)}_(\d+)", variable))
    )
    variables = [name, *(variable for _, variable in numbered)]
    found: list[tuple[str, str | None]] = [
        (secret, None) for variable in variables if (secret := environment.get(variable, "").strip())
    ]
    file = environment.get(f"{name}{FILE_ENDING}", "").strip()
    return found + (_of_file(f"{name}{FILE_ENDING}", Path(file)) if file else [])


def _of_file(name: str, file: Path) -> list[tuple[str, str | None]]:
    try:
        lines = file.expanduser().read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        told = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise SettingsError("keys that cannot be read:", [f"{name} names {str(file)!r}: {told}"]) from None
    found: list[tuple[str, str | None]] = []
    for number, line in enumerate(lines, start=1):
        words = line.split("#")[0].split()
        if len(words) > 2:
            fault = f"{file}, line {number}: {len(words)} words; accepted: a key, and after it the name of its group"
            raise SettingsError("keys that cannot be read:", [fault])
        if words:
            found.append((words[0], words[1] if len(words) == 2 else None))
    return found


def _key(secret: str, group: str | None) -> Key:
    fingerprint = blake2b(secret.encode(), digest_size=4, person=b"s1-key").hexdigest()
    return Key(secret, fingerprint, group or fingerprint)
