"""When a job is over by its vendor's rules: small examples, with the clock and the counts given."""

from __future__ import annotations

import math
from typing import Any

import pytest

from astraml_lab.jobs.criteria import Criteria, Ending
from astraml_lab.jobs.maxima import seconds_run
from astraml_lab.spec import FailureKind, JobSpec, JobState, TrialState, TrialView, validate

C, P, F = TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAILED


class Told:
    """Criteria that are told of trials, and asked when the job is over."""

    def __init__(self, goal: str = "maximize", constraints: tuple[Any, ...] = (), **options: Any) -> None:
        definition = {
            "space": {"x": {"type": "float", "low": 0, "high": 1}},
            "objectives": [{"metric": "auc", "goal": goal}],
            "constraints": constraints,
        }
        self.spec = validate(JobSpec, {"definitions": [definition], "trials": 100, **options})
        self.criteria = Criteria(self.spec)
        self.counts = dict.fromkeys(TrialState, 0)

    def end(self, *values: float | None, state: TrialState = C, **metrics: float) -> Told:
        """Have trials end, each with its value."""
        for value in values:
            view = TrialView(
                number=sum(self.counts.values()),
                state=state,
                params={"x": 0.5},
                values=None if value is None else (value,),
                metrics=metrics,
                kind=FailureKind.EXCEPTION if state is F else None,
                reason="boom" if state is F else "",
            )
            self.counts[state] += 1
            self.criteria.ended(view)
        return self

    def ending(self, runtime: float = 0.0, now: float = 0.0, *, exhausted: bool = False) -> Ending | None:
        return self.criteria.ending(self.counts, runtime, now=now, exhausted=exhausted)

    def reason(self, runtime: float = 0.0, now: float = 0.0) -> str:
        ending = self.ending(runtime, now)
        return "" if ending is None else ending.reason


def test_a_best_that_is_better_by_one_per_cent_or_less_is_no_progress() -> None:
    limits = {"improvement": 0.01}
    told = Told(max_no_improvement=2, limits=limits).end(0.5, 0.504, 0.505)
    assert told.reason() == "no auc better by more than 1 % in 2 trials"
    assert told.criteria.best_value == 0.505, "the best it is all the same"
    assert not Told(max_no_improvement=2, limits=limits).end(0.5, 0.504, 0.510).reason()
    exactly = Told(max_no_improvement=1, limits=limits).end(1.0, 1.01)
    assert exactly.reason(), "more than 1 %, not 1 %"
    down = Told("minimize", max_no_improvement=1, limits=limits).end(-100.0, -100.5)
    assert down.reason(), "relative to the amount of the best"


def test_a_best_of_zero_is_improved_by_anything() -> None:
    assert not Told(max_no_improvement=1, limits={"improvement": 0.01}).end(0.0, 1e-9).reason()


def test_pruned_trials_count_as_trials_without_progress_and_as_progress() -> None:
    assert Told(max_no_improvement=2).end(0.5).end(None, 0.4, state=P).reason()
    assert not Told(max_no_improvement=2).end(0.5, 0.4).end(0.6, state=P).reason()


def test_trials_before_the_first_within_the_limits_are_not_without_progress() -> None:
    limit = {"metric": "lat", "at_least": False, "threshold": 0.5}
    told = Told(max_no_improvement=3, constraints=(limit,))
    assert not told.end(0.9, 0.8, 0.7, lat=0.9).end(None, None, state=P).reason()
    assert not told.end(0.5, lat=0.1).end(0.9, lat=0.9).end(None, state=P).reason()
    assert told.end(0.4, lat=0.1).reason() == "no better auc in 3 trials"
    assert Told(max_no_improvement=3).end(None, None, None, state=P).reason(), "as before without limits"


def test_the_job_ends_when_the_best_has_been_the_best_for_too_long() -> None:
    told = Told(limits={"max_seconds_without_progress": 60})
    assert not told.reason(runtime=0)
    told.end(0.5)
    assert not told.reason(runtime=50)
    assert not told.end(0.4).reason(runtime=109)
    assert told.reason(runtime=110) == "no better auc for 1 m"
    assert not told.end(0.6).reason(runtime=111)


def test_time_without_progress_is_that_of_running_trials_whatever_lies_between_kernels() -> None:
    spans = [(0.0, 10.0), (5.0, 20.0), (6.0, 7.0), (1000.0, 1030.0), (1040.0, None), (None, None)]
    views = [
        TrialView(number, C, {}, started_at=started, ended_at=ended)
        for number, (started, ended) in enumerate(spans)
    ]
    assert [seconds_run(views, after) for after in (-math.inf, 10.0, 20.0, 1010.0, 2000.0)] == [
        50,
        40,
        30,
        20,
        0,
    ]


def test_the_job_ends_at_its_time() -> None:
    told = Told(limits={"end_at": 1_700_000_000.0})
    assert not told.reason(now=1_699_999_999.0)
    assert told.reason(now=1_700_000_000.0) == "out of time: it was to end at 2023-11-14 22:13:20+00:00"


@pytest.mark.parametrize(
    ("minimum", "early", "late"),
    [
        ({"min_runtime": 100}, {"runtime": 99}, {"runtime": 100}),
        ({"not_before": 1000.0}, {"runtime": 50, "now": 999.0}, {"runtime": 50, "now": 1000.0}),
    ],
)
def test_a_minimum_wins_over_every_maximum(
    minimum: dict[str, Any], early: dict[str, float], late: dict[str, float]
) -> None:
    maxima: list[dict[str, Any]] = [
        {"max_runtime": 1, "limits": minimum},
        {"max_no_improvement": 1, "limits": minimum},
        {"limits": {**minimum, "end_at": 0.0}},
        {"limits": {**minimum, "max_trials": 1}},
        {"limits": {**minimum, "max_seconds_without_progress": 1}},
    ]
    for options in maxima:
        told = Told(**options)
        told.end(0.5, 0.4)
        told.ending()
        assert not told.reason(**early), options
        assert told.reason(**late), options


def test_five_complete_trials_come_before_a_limit_of_an_hour() -> None:
    told = Told(max_runtime=3600, limits={"min_complete": 5}).end(0.1, 0.2, 0.3).end(None, state=F)
    assert not told.end(0.4, state=P).reason(runtime=9999)
    assert told.end(0.5).reason(runtime=9999) == "out of time: 1 h"


def test_no_minimum_holds_back_the_budget_the_target_or_a_failing_job() -> None:
    limits = {"min_complete": 50}
    assert Told(limits=limits).end(*[0.5] * 100).reason() == "all trials are done"
    assert Told(limits=limits, target=0.5).end(0.6).reason().startswith("target reached")
    assert Told(limits=limits, max_failures=2).end(None, None, state=F).reason().startswith("2 failed trials")


def test_trials_that_were_asked_for_are_waited_for_and_no_more_of_them_begin() -> None:
    told = Told(limits={"max_trials": 3, "min_complete": 1})
    assert told.criteria.most_trials(told.counts, 0, 0) == 100, "the minimum is not met"
    told.end(0.5)
    told.counts[TrialState.RUNNING] = 2
    assert told.criteria.most_trials(told.counts, 0, 0) == 3
    assert not told.reason()
    assert told.end(0.5, 0.5).reason() == "no more than 3 trials were asked for"


@pytest.mark.parametrize("cut", [True, False])
def test_the_vendor_says_whether_running_trials_are_stopped(*, cut: bool) -> None:
    limits = {"cut": cut, "end_at": 5.0}
    reached = [
        Told(limits=limits, target=0.5).end(0.6).ending(),
        Told(limits=limits, max_runtime=1).ending(runtime=2),
        Told(limits=limits).ending(now=6),
    ]
    assert [ending.cut for ending in reached if ending] == [cut] * 3
    failing = Told(limits=limits, max_failures=1).end(None, state=F).ending()
    assert failing is not None
    assert (failing.state, failing.cut) == (JobState.FAILED, True)


def test_a_trial_that_violates_a_constraint_is_never_the_best() -> None:
    constraints = (
        {"metric": "recall", "at_least": True, "threshold": 0.5},
        {"metric": "latency", "at_least": False, "threshold": 10},
    )
    told = Told(constraints=constraints, target=0.9, max_no_improvement=3)
    told.end(0.7, recall=0.5, latency=10)
    told.end(0.95, recall=0.4, latency=1)
    told.end(0.96, recall=0.9, latency=11)
    told.end(0.97, recall=0.9)  # says nothing of its latency
    assert told.criteria.best == (0,)
    assert told.reason() == "no better auc in 3 trials"
    assert told.end(0.91, recall=0.6, latency=3).criteria.best == (4,)


def test_a_trial_whose_time_was_up_and_whose_value_counts_is_no_failure() -> None:
    told = Told(max_failures=1)
    kept = TrialView(number=0, state=C, params={}, values=(0.5,), kind=FailureKind.TIMEOUT)
    told.criteria.ended(kept)
    assert told.ending() is None
    assert told.criteria.best == (0,)
