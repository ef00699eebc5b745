"""Opening tables and sources with the credentials and clients of dagster-aws and dagster-gcp."""

from pathlib import Path
from typing import Any

from s1_assets.adapters.sources.catalogue_files import read_catalogue
from s1_assets.adapters.sources.readers import SourceReaders
from s1_assets.adapters.storage.places import open_place
from s1_assets.adapters.storage.tables import ParquetTables
from s1_assets.domain.catalogue.merge import Catalogue
from s1_assets.errors import CatalogueError
from s1_assets.ports import SourceReader, TableStore
from s1_assets.resources.settings import Settings


def open_tables(settings: Settings) -> TableStore:
    """The table store that `S1_STORAGE` names; nothing is contacted before the first use."""
    return ParquetTables(
        open_place(
            settings.storage,
            s3_client=lambda: _s3_client(settings),
            s3_options=s3_options(settings),
            gcs_client=lambda: _gcs_client(settings),
            gcs_options=gcs_options(settings),
        )
    )


def open_catalogue(settings: Settings) -> Catalogue:
    """The packaged catalogue with the user's files of `S1_SOURCES` laid over it.

    Raises:
        CatalogueError: If a file is faulty, or `S1_SOURCES` was set to what is not there.
    """
    if settings.sources != Settings.sources and not Path(settings.sources).expanduser().exists():
        fault = f"S1_SOURCES names {settings.sources!r}, which is not there; create it, or `s1 sources add` does"
        raise CatalogueError("the source catalogue cannot be read", [fault])
    return read_catalogue(settings.sources)


def open_readers(settings: Settings) -> SourceReader:
    """Readers for every kind of source, with the same credentials as the tables."""
    return SourceReaders({"s3": s3_options(settings), "gs": gcs_options(settings)}, settings.hub_token)


def s3_options(settings: Settings) -> dict[str, Any]:
    """What s3fs needs to reach the same S3 with the same credentials."""
    access = settings.s3
    client = {"endpoint_url": access.endpoint, "region_name": access.region}
    options: dict[str, Any] = {"client_kwargs": {name: value for name, value in client.items() if value}}
    if access.access_key:
        options.update(key=access.access_key, secret=access.secret_key)
    return options


def gcs_options(settings: Settings) -> dict[str, Any]:
    """What gcsfs needs; an emulator is reached without credentials."""
    if settings.gcs_endpoint is None:
        return {}
    return {"endpoint_url": settings.gcs_endpoint, "token": "anon"}


def _s3_client(settings: Settings) -> Any:
    from dagster_aws.s3 import S3Resource

    access = settings.s3
    return S3Resource(
        endpoint_url=access.endpoint,
        region_name=access.region,
        aws_access_key_id=access.access_key,
        aws_secret_access_key=access.secret_key,
    ).get_client()


def _gcs_client(settings: Settings) -> Any:
    from dagster_gcp.gcs import GCSResource

    return GCSResource().get_client()
