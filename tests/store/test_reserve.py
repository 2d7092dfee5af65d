from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from astraml_lab.errors import StoreError
from astraml_lab.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.full_disk import SmallDisk


def test_a_new_store_keeps_a_little_room_back(tmp_path: Path) -> None:
    Store(tmp_path).close()
    assert 0 < (tmp_path / "lab.db.reserve").stat().st_size <= 2**19


def test_on_a_full_disk_it_is_what_reading_and_deleting_take(small_disk: SmallDisk) -> None:
    home = small_disk.path / "home"
    with Store(home) as store:
        _, lease = store.create_job("default", "old", spec="{}", fingerprint="{}", owner="kernel-1")
        store.release(lease)
    small_disk.fill()
    with Store(home) as store:
        assert [job.name for job in store.list_jobs()] == ["old"]
        store.delete_job("default", "old")
        assert store.list_jobs() == ()
        small_disk.fill()
        with pytest.raises(StoreError, match="is full; free some space"):
            store.create_job("default", "job", spec="x" * 100_000, fingerprint="{}", owner="kernel-1")
        small_disk.free()
    assert (home / "lab.db.reserve").exists()
