"""Jobs obey `--prune`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

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
