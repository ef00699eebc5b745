"""Where keys come from, in which order, and that nothing told of them holds one."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from s1_assets.adapters.llm.keys import KeyRing, read_keys
from s1_assets.errors import SettingsError

NAME = "GEMINI_API_KEY"
SECRET = "AIzaSy-this-is-a-secret"

secrets = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=8, max_size=20)


def told(ring: KeyRing) -> list[str]:
    return [key.secret for key in ring.keys]


def read(environment: dict[str, str], shared: bool = False) -> KeyRing:
    return read_keys((NAME,), environment, shared)


def key_file(folder: Path, text: str, encoding: str = "utf-8") -> dict[str, str]:
    (folder / "keys").write_text(text, encoding)
    return {f"{NAME}S_FILE": str(folder / "keys")}


@given(st.dictionaries(st.integers(0, 2_000), secrets, max_size=12))
@example({10: "ten", 9: "nine", 100: "hundred"})
def test_numbered_keys_come_in_the_order_of_their_numbers(numbered: dict[int, str]) -> None:
    environment = {f"{NAME}_{number}": secret for number, secret in numbered.items()}
    assert told(read(environment)) == list(dict.fromkeys(numbered[number] for number in sorted(numbered)))


def test_the_name_without_a_number_comes_first_and_the_file_last(tmp_path: Path) -> None:
    environment = {f"{NAME}_2": "two", f"{NAME}_1": "one", NAME: "plain", **key_file(tmp_path, "from-file\n")}
    assert told(read(environment)) == ["plain", "one", "two", "from-file"]


def test_names_that_only_look_alike_are_not_keys() -> None:
    alike = {f"{NAME}_": "a", f"{NAME}_1B": "b", f"X{NAME}_1": "c", f"{NAME}S": "d", f"{NAME}_-1": "e", f"{NAME}1": "f"}
    assert read(alike).keys == ()


def test_blank_keys_are_none_and_spaces_around_a_key_are_no_part_of_it() -> None:
    assert told(read({NAME: "  ", f"{NAME}_1": " one \n", f"{NAME}_2": "", f"{NAME}S_FILE": " "})) == ["one"]


def test_a_later_name_counts_only_where_an_earlier_one_gives_no_key() -> None:
    both = {"GOOGLE_API_KEY": "second", f"{NAME}_7": "first"}
    names = (NAME, "GOOGLE_API_KEY")
    assert told(read_keys(names, both)) == ["first"]
    assert told(read_keys(names, {**both, f"{NAME}_7": ""})) == ["second"]
    assert read_keys(names, {}).keys == ()


def test_a_file_holds_groups_comments_and_blank_lines(tmp_path: Path) -> None:
    text = "# of the team\nkey-a project-1\n\n  key-b\tproject-1  # the spare one\nkey-c project-2\nkey-d#alone\n"
    ring = read(key_file(tmp_path, text))
    groups = {group: [key.secret for key in keys] for group, keys in ring.groups.items()}
    alone = ring.keys[-1]
    assert groups == {"project-1": ["key-a", "key-b"], "project-2": ["key-c"], alone.fingerprint: ["key-d"]}


def test_a_file_of_windows_with_its_mark_is_read_like_any_other(tmp_path: Path) -> None:
    assert told(read(key_file(tmp_path, "key-a\r\nkey-b\r\n", "utf-8-sig"))) == ["key-a", "key-b"]


def test_each_key_is_its_own_group_unless_all_share_their_limits() -> None:
    environment = {f"{NAME}_{number}": f"secret-{number}" for number in range(5)}
    apart, together = read(environment), read(environment, shared=True)
    assert len(apart.groups) == 5
    assert [len(keys) for keys in together.groups.values()] == [5]
    assert told(apart) == told(together)


def test_sharing_wins_over_the_groups_of_a_file(tmp_path: Path) -> None:
    assert len(read(key_file(tmp_path, "key-a one\nkey-b two\n"), shared=True).groups) == 1


@given(st.lists(secrets, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_a_key_named_twice_is_one_key(named: list[str], random: Random) -> None:
    twice = named + random.sample(named, len(named))
    ring = read({f"{NAME}_{number}": secret for number, secret in enumerate(twice)})
    assert told(ring) == list(dict.fromkeys(named))
    assert len({key.fingerprint for key in ring.keys}) == len(set(named))


def test_a_key_that_a_variable_and_a_file_name_keeps_the_files_group(tmp_path: Path) -> None:
    ring = read({NAME: "key-a", **key_file(tmp_path, "key-a project-1\nkey-b project-1\n")})
    assert told(ring) == ["key-a", "key-b"]
    assert list(ring.groups) == ["project-1"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f"{SECRET} group more\n", "line 1: 3 words"),
        (f"key-a\n\n# two\n{SECRET} {SECRET} {SECRET}\n".encode(), "line 4"),
        (f"{SECRET}\xff".encode("latin-1"), "not UTF-8"),
        (None, "No such file"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_and_none_of_its_keys(
    tmp_path: Path, content: str | bytes | None, said: str
) -> None:
    file = tmp_path / "keys"
    if content is not None:
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(SettingsError, match=said) as caught:
        read({f"{NAME}S_FILE": str(file)})
    fault: BaseException | None = caught.value
    assert str(file) in str(fault)
    while fault is not None:  # what a traceback would print
        assert SECRET not in repr(fault)
        fault = fault.__cause__ or (None if fault.__suppress_context__ else fault.__context__)


def test_no_repr_tells_a_secret_and_each_tells_the_fingerprint(tmp_path: Path) -> None:
    ring = read({NAME: SECRET})
    (key,) = ring.keys
    for value in (ring, key, ring.groups):
        assert SECRET not in repr(value)
        assert key.fingerprint in repr(value)


def test_a_fingerprint_is_the_same_tomorrow_and_too_short_to_be_turned_back() -> None:
    assert read({NAME: SECRET}).keys[0].fingerprint == read({f"{NAME}_9": SECRET}).keys[0].fingerprint
    assert len(read({NAME: SECRET}).keys[0].fingerprint) == 8
