"""A store with something in it, as bytes, and what was in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from astraml_lab.spec.state import TrialState
from astraml_lab.spec.views import TrialView, WindowRow
from astraml_lab.store import Store, Writer, trials

if TYPE_CHECKING:
    from astraml_lab.store import Lease

JOBS, TRIALS = 3, 40


@dataclass(frozen=True)
class Files:
    """The bytes of a store that was closed, or, with a log, of one whose kernel was killed."""

    database: bytes
    log: bytes = b""

    def put(self, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        (home / "lab.db").write_bytes(self.database)
        if self.log:
            (home / "lab.db-wal").write_bytes(self.log)


def trial(job: int, number: int) -> TrialView:
    return TrialView(
        number,
        TrialState.COMPLETE,
        {"lr": 0.001 * number, "optimizer": "adam", "layers": number % 5},
        values=(job + number / 7,),
        metrics={"loss": number / 3},
        step=10,
        device="cpu",
        seed=number,
        created_at=1_800_000_000.5 + number,
        started_at=1_800_000_001.0 + number,
        ended_at=1_800_000_009.25 + number,
        # one that does not fit into a page
        traceback="a line of text\n" * (500 if number == 7 else 0),
    )


def window(number: int) -> WindowRow:
    start = 1_800_000_000.0 + 30 * number
    return WindowRow(start, 30.0, 2, 3.0, 1.0, 2.0, 1.5, start, 1, 1, start + 1, 2, None, 0, 2)


def _fill(store: Store, job: int) -> Lease:
    _, lease = store.create_job("default", f"job-{job}", spec="{}", fingerprint="{}", owner="kernel-1")
    journal = store.journal(lease)
    for number in range(TRIALS):
        view = trial(job, number)
        journal.append([["trial", 0, {"state": 0}], ["param", number, "lr", 0.001 * number, None]])
        journal.commit(
            lambda connection, view=view: trials.save(connection, lease.generation_id, view),  # type: ignore[misc]
            entries=[["state", number, 1, [job + number / 7], 1_800_000_000.0]],
        )
    return lease


@cache
def filled() -> Files:
    """Return a store that was closed in order."""
    with TemporaryDirectory() as folder:
        with Store(folder) as store:
            writer = Writer(store, lambda _trouble: None, interval=0.01)
            for job in range(JOBS):
                lease = _fill(store, job)
                for number in range(TRIALS):
                    writer.put_windows(lease.generation_id, number, "loss", [window(i) for i in range(3)])
                    writer.put_curve(lease.generation_id, number, "loss", range(20), range(20))
                store.release(lease)
            assert writer.close()
        return Files(Path(folder, "lab.db").read_bytes())


@cache
def killed() -> Files:
    """Return a store whose last job is in its log alone."""
    with TemporaryDirectory() as folder:
        filled().put(Path(folder))
        with Store(folder) as store:
            store.release(_fill(store, JOBS))
            return Files(Path(folder, "lab.db").read_bytes(), Path(folder, "lab.db-wal").read_bytes())


def found(store: Store) -> dict[tuple[str, int], TrialView]:
    """Return what a store shows as finished: not what it says is damaged."""
    return {
        (job.name, view.number): view
        for job in store.list_jobs()
        for view in store.load_trials(job.id)
        if view.reason != trials.DAMAGED
    }


def wrong(store: Store) -> list[tuple[str, int]]:
    """Return the trials that are not what was written."""
    return [
        (name, number)
        for (name, number), view in found(store).items()
        if view != trial(int(name[-1]), number) and not name.startswith("recovered")
    ]
