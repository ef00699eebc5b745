"""What can go wrong between us and a bucket, and what a stranger is told."""

import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from s1_assets.adapters.storage.files import UndecidedError
from s1_assets.adapters.storage.places import open_place
from s1_assets.adapters.storage.tables import ParquetTables
from s1_assets.errors import StorageError
from s1_assets_tests.adapters.storage.backends import Backend
from s1_assets_tests.adapters.storage.samples import HERE, NOTES, contract_of, notes
from s1_assets_tests.fakes.gcs import FakeGCS


class Refusing:
    """A boto3 client whose conditional writes are answered by `answers` first; None lets one through."""

    def __init__(self, client: Any, answers: list[Exception | None]) -> None:
        self._client = client
        self._answers = answers

    def put_object(self, **request: Any) -> Any:
        answer = self._answers.pop(0) if self._answers else None
        if answer is None:
            return self._client.put_object(**request)
        raise answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def answer(status: int, code: str) -> Exception:
    from botocore.exceptions import ClientError

    told = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    error: Exception = ClientError(told, "PutObject")
    return error


@pytest.fixture
def s3(moto: Backend) -> Backend:
    return moto.fresh()


@pytest.fixture
def refusing(s3: Backend) -> Callable[[list[Exception | None]], ParquetTables]:
    def store(answers: list[Exception | None]) -> ParquetTables:
        options = {"key": "key", "secret": "secret", "client_kwargs": {"endpoint_url": s3.endpoint}}
        client = Refusing(s3._s3_client(), answers)
        return ParquetTables(open_place(s3.uri, s3_client=lambda: client, s3_options=options), contract_of)

    return store


def test_s3_deciding_another_writers_request_is_waited_for(refusing: Callable[..., ParquetTables]) -> None:
    conflict = answer(409, "ConditionalRequestConflict")
    assert refusing([conflict, conflict]).write(HERE, NOTES, [notes(1)]).number == 1


def test_s3_that_never_decides_leaves_the_files_for_a_later_sweep(
    s3: Backend, refusing: Callable[..., ParquetTables]
) -> None:
    with pytest.raises(UndecidedError, match="is being written by others all the time"):
        refusing([answer(409, "ConditionalRequestConflict")] * 5).write(HERE, NOTES, [notes(1)])
    assert len(s3.files()) == 1  # it may still become a version, for all we know


def test_s3_that_refuses_the_flip_leaves_nothing(s3: Backend, refusing: Callable[..., ParquetTables]) -> None:
    with pytest.raises(StorageError, match=r"000000000001\.json \(AccessDenied\): the credentials may not do this"):
        refusing([answer(403, "AccessDenied")]).write(HERE, NOTES, [notes(1)])
    assert s3.files() == set()


def test_an_answer_lost_after_the_flip_is_found_out(
    s3: Backend, fake_gcs: FakeGCS, our_gcs: Backend, refusing: Callable[..., ParquetTables]
) -> None:
    gcs = our_gcs.fresh()
    fake_gcs.lost_answers = 1
    version = gcs.store(contract_of).write(HERE, NOTES, [notes(3)])
    assert fake_gcs.lost_answers == 0
    assert gcs.store(contract_of).current(HERE) == version
    assert gcs.store(contract_of).read(version).to_table().num_rows == 3


def test_wrong_credentials_are_told_by_radosgw(ceph: Backend) -> None:
    for wrong, told in (
        (replace(ceph, access_key="nobody"), r"\(InvalidAccessKeyId\): the access key is not known there"),
        (replace(ceph, secret_key="wrong"), r"\(SignatureDoesNotMatch\): the secret key is wrong"),
    ):
        with pytest.raises(StorageError, match=told):
            wrong.store(contract_of).current(HERE)
        sink = wrong.place().open_new("notes/x")
        sink.write(b"x")
        with pytest.raises(StorageError, match=f"notes/x {told}"):
            sink.close()


@pytest.fixture
def nowhere() -> Iterator[str]:
    with socket.socket() as bound:  # bound and not listening: every connection is refused
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


def test_an_unreachable_store_is_told(nowhere: str) -> None:
    from botocore.config import Config

    def client() -> Any:
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=nowhere,
            region_name="us-east-1",
            aws_access_key_id="k",
            aws_secret_access_key="s",
            config=Config(retries={"total_max_attempts": 1}),
        )

    store = ParquetTables(open_place("s3://tables/root", s3_client=client), contract_of)
    with pytest.raises(StorageError, match=r"S3 cannot be reached for s3://tables/root/notes.*S3_ENDPOINT"):
        store.current(HERE)
    with pytest.raises(UndecidedError, match="S3 cannot be reached"):
        store.place.create("notes/x.json", b"1")


def test_s3_without_credentials_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Any, nowhere: str) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", nowhere)
    with pytest.raises(StorageError, match="no credentials; set S3_ACCESS_KEY and S3_SECRET_KEY"):
        ParquetTables(open_place("s3://tables/root"), contract_of).current(HERE)


def test_a_manifest_is_found_with_one_list_and_one_read(s3: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    s3.store(contract_of).write(HERE, NOTES, [notes(1)])
    asked: list[str] = []
    client = s3._s3_client()
    client.meta.events.register("before-call.s3", lambda model, **_: asked.append(model.name))
    ParquetTables(open_place(s3.uri, s3_client=lambda: client), contract_of).current(HERE)
    assert asked == ["ListObjectsV2", "GetObject"]
