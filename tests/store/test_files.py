from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from astraml_lab.store import Files, default_home, folder_name, name_key

if TYPE_CHECKING:
    import pytest

names = st.text(max_size=60) | st.sampled_from(
    ["..", ".", "", "a/b", "a\\b", "con", "NUL.txt", "a.", "ümlaut", "実験", "x" * 300, "a~b", "-x", "a b"]
)


@given(one=names, two=names)
def test_folders_are_safe_and_differ_exactly_as_names_do(one: str, two: str) -> None:
    folder = folder_name(one)
    assert Path("base", folder).parent == Path("base")
    assert folder not in {"", ".", ".."}
    assert not set(folder) & set('/\\:*?"<>|\0')
    assert len(folder.encode()) <= 255
    assert (folder == folder_name(two)) == (name_key(one) == name_key(two))
    assert (folder.casefold() == folder_name(two).casefold()) == (name_key(one) == name_key(two))


def test_plain_names_stay_readable() -> None:
    assert folder_name("digits-2.1_b") == "digits-2.1_b"
    assert folder_name("Größe") == "grösse"
    assert folder_name("a/b").startswith("a-b~")


def test_a_trial_has_its_place() -> None:
    files = Files(Path("/home"))
    assert files.trial("p", "Job", 2, 7) == Path("/home/projects/p/job/2/trials/0007")
    assert files.database == Path("/home/lab.db")


def test_the_home_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASTRAML_HOME", "/elsewhere")
    assert default_home() == Path("/elsewhere")
    monkeypatch.delenv("ASTRAML_HOME")
    assert default_home().name == "astraml-lab"
