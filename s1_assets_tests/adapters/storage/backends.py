"""The stores that tables must work on, as something a test or a process of its own can open."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import uuid4

from s1_assets.adapters.storage.drafts import Sizes
from s1_assets.adapters.storage.places import Place, open_place
from s1_assets.adapters.storage.tables import ParquetTables
from s1_assets.records.tables import Table

BUCKET = "tables"

BACKENDS = ("disk", "moto", "our_gcs", "gcs_emulator", "radosgw")
"""Values of the fixture `backend`; `-k radosgw` selects one."""
DECIDING = ("disk", "moto", "our_gcs", "radosgw")
"""Those that let one of several creators win; gcp-storage-emulator ignores generation preconditions."""
BUCKETS = ("moto", "our_gcs", "gcs_emulator", "radosgw")

SMALL = Sizes(row_group=1 << 20, file=24 << 20)
"""Small enough that some ten thousand rows make several row groups and files."""


@dataclass(frozen=True, slots=True)
class Backend:
    """One store; `uri` is of a root that only one test uses."""

    name: str
    uri: str
    endpoint: str = ""
    access_key: str = "key"
    secret_key: str = "secret"

    def fresh(self) -> "Backend":
        """The same store with an empty root of its own."""
        return replace(self, uri=f"{self.uri}/{uuid4().hex[:12]}")

    def place(self, uri: str | None = None) -> Place:
        return open_place(
            uri or self.uri,
            s3_client=self._s3_client,
            s3_options={
                "key": self.access_key,
                "secret": self.secret_key,
                "client_kwargs": {"endpoint_url": self.endpoint, "region_name": "us-east-1"},
            },
            gcs_client=self._gcs_client,
            gcs_options={"token": "anon", "endpoint_url": self.endpoint},
        )

    def store(self, contract_of: Callable[[str], Table], sizes: Sizes = SMALL) -> ParquetTables:
        return ParquetTables(self.place(), contract_of, sizes)

    def files(self) -> set[str]:
        """Every file below the root, manifests too."""
        return set(self.place().sizes(""))

    def open_uploads(self) -> list[str]:
        """Unfinished multipart uploads below the root; none on stores without them."""
        if not self.uri.startswith("s3://"):
            return []
        prefix = self.uri.removeprefix(f"s3://{BUCKET}/")
        uploads = self._s3_client().list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
        return [upload["Key"] for upload in uploads if upload["Key"].startswith(prefix)]

    def make_bucket(self) -> "Backend":
        if self.uri.startswith("s3://"):
            self._s3_client().create_bucket(Bucket=BUCKET)
        else:
            self._gcs_client().create_bucket(BUCKET)
        return self

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Backend":
        return cls(**json.loads(text))

    def _s3_client(self) -> Any:
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
        )

    def _gcs_client(self) -> Any:
        from google.auth.credentials import AnonymousCredentials
        from google.cloud.storage import Client

        options = {"api_endpoint": self.endpoint}
        return Client(project="test", credentials=AnonymousCredentials(), client_options=options)
