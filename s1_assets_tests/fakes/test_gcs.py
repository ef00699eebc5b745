"""Our GCS behaves as the service does where the store depends on it: google's own client and gcsfs agree with it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from gcsfs.core import GCSFileSystem
from google.api_core.exceptions import Conflict, NotFound, PreconditionFailed
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client

from s1_assets_tests.fakes.gcs import FakeGCS

pytestmark = pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning")


@pytest.fixture
def server() -> Iterator[FakeGCS]:
    with FakeGCS("b") as fake:
        yield fake


@pytest.fixture
def bucket(server: FakeGCS) -> Any:
    options = {"api_endpoint": server.url}
    return Client(project="p", credentials=AnonymousCredentials(), client_options=options).bucket("b")


@pytest.fixture
def gcsfs(server: FakeGCS) -> Any:
    return GCSFileSystem(token="anon", endpoint_url=server.url, use_listings_cache=False)


def test_small_and_resumable_uploads_come_back(server: FakeGCS, bucket: Any) -> None:
    for size in (0, 10, 9 << 20):
        blob = bucket.blob(f"folder/{size} ü")
        blob.chunk_size = 1 << 20
        blob.upload_from_string(b"x" * size)
        assert blob.download_as_bytes() == b"x" * size
    assert server.sessions == {}
    assert bucket.blob("folder/10 ü").download_as_bytes(start=3, end=5) == b"xxx"


def test_lists_have_prefixes_and_pages(server: FakeGCS, bucket: Any) -> None:
    server.page_size = 3
    for name in ("a", "d/1", "d/2", "d/e/3", "f/4", "g"):
        bucket.blob(name).upload_from_string(name)
    assert [blob.name for blob in bucket.list_blobs()] == ["a", "d/1", "d/2", "d/e/3", "f/4", "g"]
    top = bucket.list_blobs(delimiter="/")
    assert [blob.name for blob in top] == ["a", "g"]
    assert top.prefixes == {"d/", "f/"}
    below = bucket.list_blobs(prefix="d/", delimiter="/")
    assert [blob.name for blob in below] == ["d/1", "d/2"]
    assert below.prefixes == {"d/e/"}


def test_preconditions_hold(bucket: Any) -> None:
    blob = bucket.blob("x")
    blob.upload_from_string("1", if_generation_match=0)
    with pytest.raises(PreconditionFailed):
        blob.upload_from_string("2", if_generation_match=0)
    blob.upload_from_string("3", if_generation_match=blob.generation)
    with pytest.raises(PreconditionFailed):
        blob.delete(if_generation_match=1)
    assert blob.download_as_bytes() == b"3"
    blob.delete(if_generation_match=blob.generation)
    with pytest.raises(NotFound):
        blob.download_as_bytes()


def test_of_many_creators_one_wins(bucket: Any) -> None:
    def create(number: int) -> bool:
        try:
            bucket.blob("lock").upload_from_string(str(number), if_generation_match=0)
        except PreconditionFailed:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(create, range(8))) == 1


def test_objects_can_be_composed(bucket: Any) -> None:
    parts = [bucket.blob(name) for name in "ab"]
    for part in parts:
        part.upload_from_string(part.name)
    whole = bucket.blob("whole")
    whole.compose(parts)
    assert whole.download_as_bytes() == b"ab"


def test_gcsfs_writes_reads_and_discards(server: FakeGCS, gcsfs: Any) -> None:
    with gcsfs.open("b/d/large", "wb", block_size=1 << 20) as file:
        file.write(b"y" * (3 << 20) + b"z")
    assert gcsfs.info("b/d/large")["size"] == (3 << 20) + 1
    with gcsfs.open("b/d/large", "rb", cache_type="none") as file:
        file.seek(-3, 2)
        assert file.read() == b"yyz"
    assert gcsfs.ls("b/d") == ["b/d/large"]

    half = gcsfs.open("b/d/half", "wb", block_size=1 << 20)
    half.write(b"y" * (2 << 20))
    assert len(server.sessions) == 1
    half.discard()
    assert server.sessions == {}
    assert gcsfs.ls("b/d") == ["b/d/large"]


def test_missing_buckets_and_taken_names_are_refused(bucket: Any) -> None:
    with pytest.raises(NotFound):
        bucket.client.bucket("none").blob("x").upload_from_string("x")
    with pytest.raises(Conflict):
        bucket.client.create_bucket("b")


def test_a_lost_answer_is_told_by_the_repeated_request(server: FakeGCS, bucket: Any) -> None:
    server.lost_answers = 1
    with pytest.raises(PreconditionFailed):  # the client repeats by itself and finds its own object there
        bucket.blob("x").upload_from_string("1", if_generation_match=0)
    assert bucket.blob("x").download_as_bytes() == b"1"
