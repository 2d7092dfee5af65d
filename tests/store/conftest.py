from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from astraml_lab.clock import FakeClock
from astraml_lab.store import Store, trials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from astraml_lab.spec.views import TrialView
    from astraml_lab.store import Lease

    SaveTrial = Callable[[Lease, TrialView], None]


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


@pytest.fixture
def save_trial(store: Store) -> SaveTrial:
    """Return what writes a trial as its owner does, in a transaction of its own."""

    def save(lease: Lease, view: TrialView) -> None:
        with store.fenced(lease) as connection:
            trials.save(connection, lease.generation_id, view)

    return save
