"""A store that version 0.1 left, with a job whose kernel was killed: it opens, and the job goes on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from plugins.jobs import Bench

from astraml_lab import Float, Int
from astraml_lab.errors import StoreError
from astraml_lab.spec import JobState
from astraml_lab.ui.jobs_text import job_table

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = Path(__file__).with_name("schema1_rows.sql")
SCHEMA_1 = Path(__file__).parents[1] / "store" / "schema1.sql"
FINISHED = {
    0: 0.031503423819039575,
    1: 0.8335933867212355,
    2: 93.08139841611124,
    3: 0.3637343826005858,
    4: 0.12799107180642333,
    5: 8.28546923008196,
}
AGAIN = {
    6: {"lr": 0.0033401389402154206, "width": 11},
    7: {"lr": 0.0014209617815888057, "width": 59},
}
"""The trials that ran when their kernel died."""


def write_old(home: Path, version: int = 1) -> None:
    home.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(home / "lab.db")) as connection:
        schema = SCHEMA_1.read_text(encoding="utf-8").splitlines()
        connection.executescript("\n".join(line for line in schema if not line.startswith("INSERT")))
        connection.executescript(ROWS.read_text(encoding="utf-8"))
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("UPDATE meta SET value = ? WHERE key = 'schema'", (str(version),))
        connection.commit()


@pytest.fixture
def old(home: Path) -> Iterator[Bench]:
    write_old(home)
    made = Bench(home)
    yield made
    made.close()


def test_all_its_jobs_are_listed_and_what_was_done_is_told(old: Bench) -> None:
    views = [job.view() for job in old.manager.jobs()]
    table = job_table(views).splitlines()
    assert [line.split("  ")[0] for line in table[1:4]] == ["cut", "elsewhere (vision)", "done"]
    assert [view.state for view in views] == [JobState.STALE, JobState.SUCCEEDED, JobState.SUCCEEDED]
    assert [view.finished for view in views] == [6, 3, 5]
    assert table[-1] == ("cut: its kernel is gone; what had finished is kept: %tune resume cut goes on")
    assert old.manager.notices == (
        "the store was brought from schema 1 to 5; a copy of the old file is kept as lab.db.schema1",
    )


def test_its_stale_job_goes_on_to_the_end(old: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"pause": 0.05, "Float": Float, "Int": Int}.items():
        monkeypatch.setattr(f"__main__.{name}", value, raising=False)
    job = old.manager.find("cut")
    assert {n: t.values for n, t in job.trials.items() if t.state.ended} == {
        n: (value,) for n, value in FINISHED.items()
    }
    job.resume().wait(120)

    assert job.state is JobState.SUCCEEDED
    assert job.generation == 1
    assert sorted(job.trials) == list(range(12))
    assert job.view().finished == 12
    trials = job.trials
    assert {n: trials[n].values for n in FINISHED} == {n: (value,) for n, value in FINISHED.items()}
    assert {n: trials[n].params for n in AGAIN} == AGAIN
    assert len({tuple(sorted(trial.params.items())) for trial in trials.values()}) == 12
    curve = job.reader.curve(2, "score")
    assert curve is not None
    assert curve.values[-1] == FINISHED[2]


def test_a_newer_store_is_refused_in_one_sentence(home: Path) -> None:
    write_old(home, version=99)
    with pytest.raises(StoreError) as caught:
        Bench(home)
    assert str(caught.value) == (
        f"the store `{home / 'lab.db'}` was written by a newer version (schema 99, this one knows 5); "
        "run: pip install -U astraml-lab"
    )
