"""The trials table is the truth: a journal that lost its end costs no finished trial."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, func, select

from astraml_lab.spec import Int, JobState
from astraml_lab.store.tables import journal

if TYPE_CHECKING:
    from plugins.jobs import Bench


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("strategy", ["tpe", "grid"])
def test_a_job_whose_journal_was_cut_goes_on(bench: Bench, kept: float, strategy: str) -> None:

    def train(x: int) -> float:
        return x / 10

    space = {"x": Int(0, 9)}
    first = bench.run(train, space, trials=6, name="cut", strategy=strategy, prune="off")
    before = {number: (trial.values, trial.params) for number, trial in first.trials.items()}
    found = bench.store.load_job("default", "cut")
    assert found is not None
    with bench.store.begin() as connection:
        last = connection.scalar(select(func.max(journal.c.position))) or 0
        connection.execute(delete(journal).where(journal.c.position > last * kept))

    job = bench.run(train, space, trials=9, name="cut", strategy=strategy, prune="off")
    assert job.state is JobState.SUCCEEDED
    after = {number: (trial.values, trial.params) for number, trial in job.trials.items()}
    assert {number: after[number] for number in before} == before
    assert sorted(after) == list(range(9))
    assert "the search learned" in job.view().note
    if strategy == "grid":
        assert len({params["x"] for _, params in after.values()}) == 9
