import os
from pathlib import Path

import pytest

from s1_assets.errors import SettingsError
from s1_assets.resources.project import enter_project


def refused(env_file: Path | None = None) -> str:
    with pytest.raises(SettingsError) as told:
        enter_project(env_file)
    return str(told.value)


def test_the_root_is_found_from_any_folder_below_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = project / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert enter_project() == project == Path.cwd()
    assert os.environ["DAGSTER_HOME"] == str(project)


def test_dagster_home_wins_over_the_folder_one_stands_in(
    project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "dagster.yaml").write_text("")
    monkeypatch.setenv("DAGSTER_HOME", str(elsewhere))
    assert enter_project() == elsewhere == Path.cwd()


@pytest.mark.parametrize("home", ["relative", "/nowhere/at/all"])
def test_a_dagster_home_that_is_none_is_refused_by_name(
    project: Path, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", home)
    assert f"DAGSTER_HOME={home} is not an absolute folder with a dagster.yaml" in refused()


def test_another_dagster_project_is_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dagster.yaml").write_text("")
    (tmp_path / "workspace.yaml").write_bytes(b"load_from: [python_module: other] \xff")
    monkeypatch.chdir(tmp_path)
    told = refused()
    assert str(tmp_path) in told
    assert "DAGSTER_HOME" in told


def test_ours_is_found_above_another_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = project / "inner"
    inner.mkdir()
    (inner / "dagster.yaml").write_text("")
    (inner / "workspace.yaml").write_text("load_from: []")
    monkeypatch.chdir(inner)
    assert enter_project() == project


def test_the_shell_wins_over_the_env_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / ".env").write_text(
        'S1_TEACHER=solver:file\nS1_SOURCES="from file"  # a remark\nexport S1_INBOX=box\nBARE\n'
    )
    monkeypatch.setenv("S1_TEACHER", "solver:shell")
    enter_project()
    assert (os.environ["S1_TEACHER"], os.environ["S1_SOURCES"]) == ("solver:shell", "from file")
    assert os.environ["S1_INBOX"] == "box"
    assert "BARE" not in os.environ


def test_the_env_file_of_the_root_is_read_from_below_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / ".env").write_text("S1_SOURCES=root\n")
    (project / "below").mkdir()
    (project / "below" / ".env").write_text("S1_SOURCES=below\n")
    monkeypatch.chdir(project / "below")
    enter_project()
    assert os.environ["S1_SOURCES"] == "root"


def test_a_named_env_file_counts_from_where_one_stands_and_replaces_the_roots(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / ".env").write_text("S1_SOURCES=root\nS1_INBOX=root\n")
    (project / "below").mkdir()
    (project / "below" / "keys.env").write_text("S1_SOURCES=named\n")
    monkeypatch.chdir(project / "below")
    enter_project(Path("keys.env"))
    assert os.environ["S1_SOURCES"] == "named"
    assert "S1_INBOX" not in os.environ


def test_an_env_file_that_cannot_be_read_is_refused_by_name(project: Path) -> None:
    assert f"--env {project / 'nowhere.env'}: there is no such file" in refused(Path("nowhere.env"))
    (project / ".env").write_bytes(b"S1_SOURCES=\xff\xfe\n")
    assert f"{project / '.env'} cannot be read" in refused()


def test_no_env_file_is_no_fault(project: Path) -> None:
    assert enter_project() == project


def test_what_a_test_sets_is_gone_in_the_next() -> None:
    assert not [name for name in os.environ if name.startswith("S1_") and name != "S1_TEST_REQUIRE"]
    assert "DAGSTER_HOME" not in os.environ
