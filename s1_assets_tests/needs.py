"""What a test needs of the machine beyond Python packages: skipped by name where it is missing, failed in CI."""

import os
import shutil

import pytest

REQUIRED = os.environ.get("S1_TEST_REQUIRE") == "1"
"""Read once: tests run in an environment without our variables."""
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def need(present: str | bool, package: str) -> None:
    """Skip the test unless what it needs is there; with S1_TEST_REQUIRE=1 fail it.

    Args:
        present: A program's name, or whether it is there.
        package: What a person would install, as in `apt-get install PACKAGE`.
    """
    found = program(present) is not None if isinstance(present, str) else present
    if found:
        return
    reason = f"{present if isinstance(present, str) else package} is not installed: apt-get install {package}"
    if REQUIRED:
        pytest.fail(f"{reason} (S1_TEST_REQUIRE=1 allows no skip)", pytrace=False)
    pytest.skip(reason)


def program(name: str) -> str | None:
    """Where a program is; servers are looked for too where only root's PATH reaches."""
    return shutil.which(name, path=_PATH)
