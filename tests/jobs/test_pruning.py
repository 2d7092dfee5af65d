"""Jobs obey `--prune`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from astraml_lab.search.curves import CURVES
from astraml_lab.search.journal_storage import StudyStorage
from astraml_lab.spec import Pruning, TrialState

if TYPE_CHECKING:
    from plugins.jobs import Bench

    from astraml_lab.trial import Trial

STEPS = 9


def better_then_worse(trial: Trial) -> None:
    """Go to 1 for the first trial, and to ever less after it."""
    for step in range(1, STEPS + 1):
        trial.report(score=1 - trial.number / 10 - 0.5 / step, step=step)


def test_asha_gives_up_at_its_first_rung_what_is_not_among_the_best(bench: Bench) -> None:
    job = bench.run(better_then_worse, trials=4, prune="asha")

    states = [job.trials[number].state for number in range(4)]
    assert states == [TrialState.COMPLETE] * 2 + [TrialState.PRUNED] * 2, "the first tells where rungs lie"
    assert job.trials[3].reason == (
        "pruned at step 1: score 0.2 is not among the best 1/4 of 3 trials that came to step 1, "
        "the limit is 0.4"
    )


@pytest.mark.parametrize("prune", list(Pruning))
def test_every_rule_runs_a_job_to_its_end(bench: Bench, prune: Pruning) -> None:
    job = bench.run(better_then_worse, trials=8, prune=prune)

    cut = {trial.view().step for trial in job.trials.values() if trial.state is TrialState.PRUNED}
    assert bool(cut) == (prune is not Pruning.OFF)
    assert job.best.number == 0


def test_a_trial_that_is_tried_again_does_not_compete_with_itself(bench: Bench) -> None:
    failed: list[int] = []

    def train(trial: Trial) -> None:
        for step in range(1, STEPS + 1):
            first = trial.number == 1 and trial.number not in failed
            trial.report(score=2.0 if first else 1.0, step=step)
            if first:
                failed.append(trial.number)
                raise RuntimeError("the weather")

    job = bench.run(train, trials=3, prune="asha", retries=1, retry_delay=0.01)
    assert failed == [1]
    assert {trial.state for trial in job.trials.values()} == {TrialState.COMPLETE}


def loss_and_size(trial: Trial) -> None:
    """Two trials of each size; the second is worse, and the larger the size the smaller the loss."""
    size = 1 + trial.number // 2
    trial.report(size=size)
    for step in range(1, 2 * STEPS):
        trial.report(loss=10 - size + 5 * (trial.number % 2) + 1 / step)


def test_of_several_objectives_what_others_beat_in_all_is_given_up(bench: Bench) -> None:
    job = bench.run(loss_and_size, trials=14, maximize=(), minimize=["loss", "size"])

    states = [job.trials[number].state for number in range(14)]
    assert states[:5] == [TrialState.COMPLETE] * 5
    assert set(states[6::2]) == {TrialState.COMPLETE}, "on the front"
    assert states[13] is TrialState.PRUNED
    assert job.trials[13].values is None
    assert "with a chance of 100 %" in job.trials[13].reason


def test_several_objectives_are_left_alone_where_pruning_is_off(bench: Bench) -> None:
    job = bench.run(loss_and_size, trials=14, maximize=(), minimize=["loss", "size"], prune="off")
    assert {trial.state for trial in job.trials.values()} == {TrialState.COMPLETE}


@pytest.mark.parametrize("prune", ["auto", "median", "asha", "hyperband"])
def test_of_several_objectives_one_may_be_named_to_go_by(bench: Bench, prune: str) -> None:
    def train(trial: Trial) -> None:
        for step in range(1, STEPS + 1):
            trial.report(size=10 - trial.number, loss=1 + trial.number - 0.5 / step)

    job = bench.run(train, trials=9, maximize=(), minimize=["size", "loss"], prune=prune, prune_on="loss")
    pruned = [trial for trial in job.trials.values() if trial.state is TrialState.PRUNED]
    assert pruned
    assert all("loss" in trial.reason for trial in pruned)


def test_a_resumed_job_goes_by_what_its_trials_showed_before(bench: Bench) -> None:
    both = ["loss", "size"]
    bench.run(loss_and_size, trials=12, maximize=(), minimize=both, name="both")
    job = bench.run(loss_and_size, trials=14, maximize=(), minimize=both, name="both")
    assert job.trials[13].state is TrialState.PRUNED
    assert "most likely trial 4 with 7.059, 3, is as good or better" in job.trials[13].reason


def test_of_several_objectives_the_search_learns_the_curves(bench: Bench) -> None:
    job = bench.run(loss_and_size, trials=14, maximize=(), minimize=["loss", "size"])
    found = bench.store.load_job(job.project, job.name, job.generation)
    assert found is not None
    storage = StudyStorage(bench.store.journal(bench.store.acquire(found.id, "a reader")))
    trials = storage.get_all_trials(storage.get_all_studies()[0]._study_id)

    assert len(trials[0].user_attrs[CURVES]) == 2 * STEPS - 1
    assert trials[0].user_attrs[CURVES][1] == [2, 9.5, 1]
    assert [row[1:] for row in trials[13].user_attrs[CURVES]] == [[9.0, 7]]
