"""The trials table is the truth: a journal that lost its end costs no finished trial."""

from __future__ import annotations

from typing import TYPE_CHECKING

import optuna
import pytest
from sqlalchemy import delete, func, select

from astraml_lab.search.journal_storage import StudyStorage
from astraml_lab.spec import Int, JobState
from astraml_lab.store.tables import journal

if TYPE_CHECKING:
    from plugins.jobs import Bench

    from astraml_lab.jobs import Job
    from astraml_lab.trial import Trial


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


def test_a_search_that_learns_its_trials_again_learns_which_of_them_violate_a_constraint(
    bench: Bench,
) -> None:
    def train(trial: Trial) -> None:
        trial.report(score=trial.number, recall=0.1 if trial.number == 1 else 0.9)

    def run(trials: int) -> Job:
        options = {"name": "cut", "prune": "off", "subject_to": "recall >= 0.5"}
        return bench.run(train, {"x": Int(0, 9)}, trials=trials, **options)

    run(3)
    found = bench.store.load_job("default", "cut")
    assert found is not None
    with bench.store.begin() as connection:
        last = connection.scalar(select(func.max(journal.c.position))) or 0
        connection.execute(delete(journal).where(journal.c.position > last * 0.2))

    job = run(4)
    assert "the search learned" in job.view().note
    bench.manager.close(5)
    storage = StudyStorage(bench.store.journal(bench.store.acquire(found.id, "a reader")))
    trials = optuna.load_study(study_name="default", storage=storage).trials
    assert [trial.constraints["0 recall"] > 0 for trial in trials] == [False, True, False, False]
