"""What every test starts from: an environment without settings, and on request a project root of its own."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

REPOSITORY = Path(__file__).parents[1]
SHARED = REPOSITORY.parent / "shared"

_SETTINGS = re.compile(
    r"(?:S1|GEMINI|GOOGLE|OPENAI|S3|AWS|HF)_.*"
    r"|HUGGINGFACE_TOKEN|CHUTES_API_KEY|GRADIENTS_API_KEY|SUBTENSOR_ENDPOINT|SKYT_HOME|STORAGE_EMULATOR_HOST"
    r"|DAGSTER_HOME|MAX_CONCURRENT_SESSIONS|REQUESTS_PER_MINUTE|OUTPUT_DIR"
)
_OF_THE_TESTS = "S1_TEST_REQUIRE"
"""Says how the tests are run, not what the product does."""

settings.register_profile("house", deadline=None, max_examples=25, database=None)
settings.load_profile("house")


@pytest.fixture(autouse=True)
def empty_environment() -> Iterator[None]:
    """No setting of whoever runs the tests reaches one, and none that a test makes outlives it."""
    before = dict(os.environ)
    for name in before:
        if _SETTINGS.fullmatch(name) and name != _OF_THE_TESTS:
            del os.environ[name]
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is a project root, with the real files that make it one; the working directory is in it."""
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(REPOSITORY / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def shared_data() -> Path:
    """The folder of real questions beside the repository; tests that read it are skipped where it is absent."""
    return shared("data")


def shared(name: str) -> Path:
    """A folder beside the repository that is no part of it; skips the test where it is absent."""
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"needs ../shared/{name} beside the repository")
    return folder
