from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astraml_lab.errors import StoreUnavailable
from astraml_lab.spec import default_home
from astraml_lab.store import Files, Store, folder_name, name_key

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def test_a_trials_folder_is_made_once(tmp_path: Path) -> None:
    files = Files(tmp_path)
    folder = files.make_trial("p", "Job", 2, 7)
    assert folder == files.trial("p", "Job", 2, 7)
    assert folder.is_dir()
    assert files.make_trial("p", "Job", 2, 7) == folder


def test_a_folder_that_cannot_be_made_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "projects").write_text("in the way")
    with pytest.raises(StoreUnavailable, match=r"0007: Not a directory; .*ASTRAML_HOME"):
        Files(tmp_path).make_trial("p", "Job", 2, 7)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "mkdir", full)
    with pytest.raises(StoreUnavailable, match="free some space"):
        Files(tmp_path).make_trial("p", "Job", 2, 7)


def test_the_home_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASTRAML_HOME", "/elsewhere")
    assert default_home() == Path("/elsewhere")
    monkeypatch.delenv("ASTRAML_HOME")
    assert default_home().name == "astraml-lab"


def test_the_room_of_a_trial_and_of_the_disk_is_measured(tmp_path: Path) -> None:
    files = Files(tmp_path)
    assert files.disk_use("p", "Job", 1, 0) == 0
    folder = files.make_trial("p", "Job", 1, 0)
    (folder / "log.txt").write_bytes(b"x" * 1000)
    (folder / "checkpoint" / "deep").mkdir(parents=True)
    (folder / "checkpoint" / "deep" / "model").write_bytes(b"x" * 50_000)
    (tmp_path / "large").write_bytes(b"x" * 1_000_000)
    (folder / "link").symlink_to(tmp_path / "large")
    (folder / "around").symlink_to(tmp_path, target_is_directory=True)
    assert 51_000 <= files.disk_use("p", "Job", 1, 0) < 52_000
    assert files.free_bytes() > 0
    with pytest.raises(StoreUnavailable, match="check the path"):
        Files(tmp_path / "nowhere").free_bytes()


@pytest.fixture
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("usual_umask")
def test_a_home_is_made_for_its_owner_alone_and_one_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    Store(tmp_path / "share" / "lab").close()
    assert (tmp_path / "share" / "lab").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "share").stat().st_mode & 0o777 == 0o755

    (tmp_path / "team").mkdir(0o755)
    Store(tmp_path / "team").close()
    assert (tmp_path / "team").stat().st_mode & 0o777 == 0o755
