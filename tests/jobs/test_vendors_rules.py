"""Jobs obey the rules that imported requests bring: whom they give up, and what such a trial counts for."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from astraml_lab.spec import JobState, StoppingKind, StoppingRule, TrialState

if TYPE_CHECKING:
    from plugins.jobs import Bench

    from astraml_lab.trial import Trial

STEPS = 9


def worse_each_trial(trial: Trial) -> None:
    """Go to 1 - number / 10, in a curve that every rule here can look through."""
    for step in range(1, STEPS + 1):
        trial.report(score=1 - trial.number / 10 - 0.5 / step, step=step)


AVERAGES = StoppingRule(kind=StoppingKind.AVERAGES)


def test_a_trial_worse_than_the_median_of_the_averages_is_pruned_and_its_last_value_counts(
    bench: Bench,
) -> None:
    job = bench.run(worse_each_trial, trials=5, prune="off", stopping=AVERAGES)

    assert job.state is JobState.SUCCEEDED
    trials = job.trials
    assert [trials[n].state for n in range(5)] == [TrialState.COMPLETE] * 3 + [TrialState.PRUNED] * 2
    # averages up to step 2: 0.625, 0.525 and 0.425; the fourth trial has 0.45 there
    assert trials[3].values == pytest.approx((0.45,))
    assert trials[3].reason == (
        "pruned at step 2: score 0.45 is below 0.525, the median of the averages up to there of 3 trials "
        "(0, 1, 2)"
    )
    assert trials[4].reason.endswith("of 4 trials (0, 1, 2, 3)"), "a pruned trial is a finished one"
    assert job.best.number == 0


def test_a_pruned_trial_has_its_best_value_where_the_vendor_selects_that(bench: Bench) -> None:
    def falling(trial: Trial) -> None:
        for step in range(1, STEPS + 1):
            trial.report(score=1 - trial.number / 10 - step / 100, step=step)

    job = bench.run(falling, trials=4, prune="off", select="best", stopping=AVERAGES)
    assert job.trials[3].state is TrialState.PRUNED
    assert job.trials[3].values == pytest.approx((0.69,))


@pytest.mark.parametrize(
    ("rule", "ends"),
    [
        (StoppingRule(kind=StoppingKind.DECAY_CURVE), 5),
        (StoppingRule(kind=StoppingKind.CONVEX, min_measurements=2), None),
        (StoppingRule(kind=StoppingKind.HYPERBAND, max_resource=STEPS), None),
    ],
)
def test_each_rule_prunes_in_a_job(bench: Bench, rule: StoppingRule, ends: int | None) -> None:
    job = bench.run(worse_each_trial, trials=8, prune="off", stopping=rule)

    pruned = [trial for trial in job.trials.values() if trial.state is TrialState.PRUNED]
    assert pruned
    assert all(trial.values and trial.reason.startswith("pruned at step ") for trial in pruned)
    assert ends is None or {trial.view().step for trial in pruned} == {ends}


def test_rules_by_time_are_told_how_long_a_trial_runs(bench: Bench) -> None:
    release = threading.Event()

    def wait(trial: Trial) -> None:
        trial.report(score=1 - trial.number / 10)
        release.wait(0.05)
        trial.report(score=1 - trial.number / 10)

    rule = StoppingRule(kind=StoppingKind.AVERAGES, best_so_far=True, by_time=True)
    job = bench.run(wait, trials=4, prune="off", stopping=rule)

    assert job.trials[3].state is TrialState.PRUNED
    assert " s: best score 0.7 (step 1) is below 0.9, the median" in job.trials[3].reason


def test_a_vendors_rule_goes_by_the_first_of_several_objectives_where_optunas_pruners_refuse(
    bench: Bench,
) -> None:
    def both(trial: Trial) -> None:
        for step in range(1, 4):
            trial.report(score=1 - trial.number / 10, loss=trial.number, step=step)

    job = bench.run(both, trials=4, prune="off", minimize="loss", stopping=AVERAGES)
    assert job.trials[3].state is TrialState.PRUNED


def test_a_rule_that_has_nothing_to_go_by_says_so_once(bench: Bench) -> None:
    job = bench.run(lambda x: x, trials=5, prune="off", stopping=AVERAGES)
    assert job.view().note.count("the stopping rule never stops a trial here") == 1
    assert all(trial.state is TrialState.COMPLETE for trial in job.trials.values())
    steps = bench.run(worse_each_trial, trials=2, prune="off", stopping=AVERAGES)
    assert "never stops" not in steps.view().note


def test_strategy_hyperband_runs_and_learns_from_its_first_trial_how_far_trials_go(bench: Bench) -> None:
    job = bench.run(worse_each_trial, trials=12, strategy="hyperband")

    states = [job.trials[number].state for number in range(12)]
    assert states[0] is TrialState.COMPLETE
    assert states.count(TrialState.PRUNED) > 3
    assert all(trial.values is None for trial in job.trials.values() if trial.state is TrialState.PRUNED)
    assert {trial.view().step for trial in job.trials.values() if trial.state is TrialState.PRUNED} <= {1, 3}


def test_hyperbands_largest_budget_ends_a_trial_as_complete(bench: Bench) -> None:
    rule = StoppingRule(kind=StoppingKind.HYPERBAND, max_resource=4)
    job = bench.run(worse_each_trial, trials=1, prune="off", strategy="hyperband", stopping=rule)

    assert (job.trials[0].state, job.trials[0].view().step) == (TrialState.COMPLETE, 4)
    assert job.trials[0].values == pytest.approx((0.875,))


def test_a_resumed_job_compares_with_the_trials_of_before(bench: Bench) -> None:
    options: dict[str, Any] = {"trials": 4, "prune": "off", "name": "again"}
    assert bench.run(worse_each_trial, **options, stopping=AVERAGES).state is JobState.SUCCEEDED
    bench.manager.close(5)
    bench.manager = type(bench.manager)(bench.store, bench.wiring, owner="another")

    job = bench.run(worse_each_trial, **{**options, "trials": 5}, stopping=AVERAGES)
    assert job.trials[4].reason.endswith("of 4 trials (0, 1, 2, 3)")
