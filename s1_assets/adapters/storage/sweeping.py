"""Dropping what nobody needs: leftovers of killed writers, old versions, files that no manifest names.

A data folder that no manifest names is spared while its owner lives. An owner on another machine cannot be asked, so
its folder is spared until nothing was written to it for a week; a writer that is slower still finds its files gone when
it wants to commit, fails, and leaves the old version standing.
"""

from collections.abc import Iterator

from s1_assets.adapters.storage import manifests
from s1_assets.adapters.storage.manifests import Manifest, address_of, folder_of
from s1_assets.adapters.storage.owners import TOKEN, owner_of
from s1_assets.adapters.storage.places import Place
from s1_assets.ports import Address, Pruned

AGE_LIMIT_S = 7 * 24 * 3600.0
"""Leftovers of another machine are kept this long: longer than any run that waits for a rate-limited teacher."""


def sweep(place: Place, address: Address, newest: Manifest | None) -> frozenset[str]:
    """Drop what writers of one table left that ran on this machine and are dead.

    Args:
        place: Where the table lives.
        address: The table.
        newest: Its newest manifest.

    Returns:
        The data folders that were there.

    Raises:
        StorageError: If the place cannot be read, or a newer manifest is damaged.
    """
    present = _tokens(place, address)
    _drop_unnamed(place, address, present.difference(newest.tokens if newest else ()), age_limit_s=None)
    return present


def prune_all(place: Place, keep: int) -> Pruned:
    """Drop all but the newest `keep` versions of every table, and the leftovers of writers that are gone.

    Raises:
        ValueError: If `keep` is below 1.
        StorageError: If the place cannot be read or written.
    """
    if keep < 1:
        raise ValueError(f"at least one version must be kept, not {keep}")
    versions, gone = 0, dict[str, int]()
    for address in _addresses(place):
        count, files = _drop_old(place, address, keep)
        versions += count
        gone |= files
        gone |= _drop_unnamed(place, address, _tokens(place, address), AGE_LIMIT_S)
    return Pruned(versions=versions, files=len(gone), bytes=sum(gone.values()))


def _addresses(place: Place) -> Iterator[Address]:
    for asset in sorted(place.children("")):
        for partition in sorted(place.children(asset)):
            if address := address_of(asset, partition):
                yield address


def _drop_old(place: Place, address: Address, keep: int) -> tuple[int, dict[str, int]]:
    present = manifests.numbers(place, address)
    old, kept = present[:-keep], present[-keep:]
    if not old:
        return 0, {}
    needed = {path.split("/")[3] for number in kept for path in _files(place, address, number)}
    unneeded = {path.split("/")[3] for number in old for path in _files(place, address, number)} - needed
    for number in old:
        place.delete(manifests.path_of(address, number))  # first, so that no manifest names what is gone
    gone: dict[str, int] = {}
    for token in sorted(unneeded):
        gone |= place.drop(f"{folder_of(address)}/data/{token}")
    return len(old), gone


def _files(place: Place, address: Address, number: int) -> tuple[str, ...]:
    version = manifests.load(place, address, number).version
    return version.files + version.set_aside_files


def _tokens(place: Place, address: Address) -> frozenset[str]:
    folder = f"{folder_of(address)}/data"
    return frozenset(filter(TOKEN.fullmatch, (*place.children(folder), *place.unfinished(folder))))


def _drop_unnamed(place: Place, address: Address, tokens: frozenset[str], age_limit_s: float | None) -> dict[str, int]:
    folder = folder_of(address)
    leftovers = {token for token in tokens if _is_gone(place, f"{folder}/data/{token}", token, age_limit_s)}
    gone: dict[str, int] = {}
    if leftovers:
        # Read after the owners were found dead: what they committed before they died is named in here.
        manifest = manifests.newest(place, address)
        for token in sorted(leftovers.difference(manifest.tokens if manifest else ())):
            gone |= place.drop(f"{folder}/data/{token}")
    for name in place.children(f"{folder}/manifests"):  # a disk's manifests are written beside, then linked
        if TOKEN.fullmatch(name[1:]) and owner_of(name[1:]) == "dead":
            place.delete(f"{folder}/manifests/{name}")
    return gone


def _is_gone(place: Place, folder: str, token: str, age_limit_s: float | None) -> bool:
    owner = owner_of(token)
    if owner == "elsewhere":
        return age_limit_s is not None and place.age_s(folder) > age_limit_s
    return owner == "dead"
