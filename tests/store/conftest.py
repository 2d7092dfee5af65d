from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from astraml_lab.clock import FakeClock
from astraml_lab.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from astraml_lab.store import Lease


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1_800_000_000.0)


@pytest.fixture
def store(tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    with Store(tmp_path / "home", clock=clock) as store:
        yield store


@pytest.fixture
def lease(store: Store) -> Lease:
    return store.create_job("default", "digits", spec="{}", fingerprint="", owner="kernel-1")[1]
