"""A missing program skips a test by name, and fails it where nothing may be skipped."""

import pytest

from s1_assets_tests import needs


def test_what_is_there_lets_the_test_go_on() -> None:
    needs.need("sh", "dash")
    needs.need(True, "dash")


def test_what_is_missing_is_skipped_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "REQUIRED", False)
    with pytest.raises(pytest.skip.Exception, match="no-such-program is not installed: apt-get install some-package"):
        needs.need("no-such-program", "some-package")


def test_what_is_missing_fails_where_everything_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "REQUIRED", True)
    with pytest.raises(pytest.fail.Exception, match="some-package is not installed"):
        needs.need(False, "some-package")
