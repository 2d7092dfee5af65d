"""Random jobs, told to our board and to Optuna step by step: every decision is the same.

Several trials run at once and report in any order; steps are left out and repeated, values are NaN, infinite
and equal, trials complete and fail at any length. (A falling step is the one difference: here nothing is
decided on it. `test_board.py` has it, and boards that are restored on the way.)
"""

from __future__ import annotations

import math
import os
import random
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import TrialState as OptunaState

from astraml_lab.metrics import Board, HalvingRule, PruneRule
from astraml_lab.spec import StoppingKind, StoppingRule

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from astraml_lab.metrics import Rule

optuna.logging.set_verbosity(optuna.logging.WARNING)

MOST = 27
"""The largest budget of hyperband, at which a trial is complete here and Optuna may still prune it."""
AT_ONCE = 4
CASES = int(os.environ.get("ASTRAML_TEST_CASES", "2000"))
"""Jobs; with 10,000 the slow test takes a minute."""

Fate = Literal["goes on", "completes", "fails"]


@dataclass(frozen=True)
class Event:
    """Of the trials that run at once, one reports, so many steps further on; then it may end."""

    which: int
    further: int
    value: float
    fate: Fate


@dataclass
class Duel:
    """A board and a study that are told the same."""

    board: Board
    study: optuna.Study
    most: float = math.inf
    running: dict[int, tuple[optuna.Trial, int]] = field(default_factory=dict)
    decisions: int = 0
    pruned: int = 0

    def tell(self, event: Event) -> None:
        """Tell both of an event, and hold their decisions side by side."""
        lane = event.which
        if lane not in self.running:
            self.running[lane] = (self.study.ask(), 0)
        trial, last = self.running[lane]
        step = max(1, last + event.further)
        if step < self.most:
            self.running[lane] = (trial, step)
            if self._given_up(trial, step, event.value):
                self._end(lane, OptunaState.PRUNED)
                return
        if event.fate == "completes":
            self._end(lane, OptunaState.COMPLETE)
        elif event.fate == "fails":
            self._end(lane, OptunaState.FAIL)

    def _given_up(self, trial: optuna.Trial, step: int, value: float) -> bool:
        # `trial.report` drops the value of a repeated step; in our reports the last one counts
        self.study._storage.set_trial_intermediate_value(trial._trial_id, step, value)
        trial = optuna.Trial(self.study, trial._trial_id)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # numpy's, about columns of NaN
            expected = trial.should_prune()
        ending = self.board.report(trial.number, value, step)
        assert (ending is not None) == expected, (trial.number, step, value, ending)
        self.decisions += 1
        self.pruned += expected
        return expected

    def _end(self, lane: int, state: OptunaState) -> None:
        trial, _ = self.running.pop(lane)
        self.study.tell(trial, 0.0 if state is OptunaState.COMPLETE else None, state)
        complete, pruned = state is OptunaState.COMPLETE, state is OptunaState.PRUNED
        self.board.finish(trial.number, complete=complete, cut_short=pruned)


def duel(rule: Rule, pruner: optuna.pruners.BasePruner, *, maximize: bool, most: float = math.inf) -> Duel:
    study = optuna.create_study(
        study_name="default",  # by which Optuna draws a trial's bracket
        direction="maximize" if maximize else "minimize",
        pruner=pruner,
        sampler=optuna.samplers.RandomSampler(seed=0),
    )
    return Duel(Board("loss", maximize=maximize, rule=rule), study, most)


def median(chance: random.Random) -> Duel:
    rule = PruneRule("median", 50.0, chance.randint(0, 4), chance.randint(0, 4), chance.randint(1, 4))
    theirs = optuna.pruners.MedianPruner(rule.startup_trials, rule.warmup_steps, rule.interval)
    return duel(rule, theirs, maximize=chance.random() < 0.5)


def percentile(chance: random.Random) -> Duel:
    kept = chance.choice([0.0, 10.0, 25.0, 33.3, 50.0, 75.0, 100.0])
    rule = PruneRule("percentile", kept, chance.randint(0, 4), chance.randint(0, 4), chance.randint(1, 4))
    theirs = optuna.pruners.PercentilePruner(kept, rule.startup_trials, rule.warmup_steps, rule.interval)
    return duel(rule, theirs, maximize=chance.random() < 0.5)


def asha(chance: random.Random) -> Duel:
    least = chance.choice([None, None, 1, 2, 3])
    bootstrap = 0 if least is None else chance.choice([0, 0, 1, 3])
    rule = HalvingRule(least, chance.randint(2, 4), chance.choice([0, 0, 1, 2]), bootstrap)
    theirs = optuna.pruners.SuccessiveHalvingPruner(
        "auto" if least is None else least, rule.reduction, rule.min_early_stopping_rate, bootstrap
    )
    return duel(rule, theirs, maximize=chance.random() < 0.5)


def hyperband(chance: random.Random) -> Duel:
    least, reduction = chance.randint(1, 3), chance.randint(2, 4)
    rule = StoppingRule(
        kind=StoppingKind.HYPERBAND, min_resource=least, max_resource=MOST, reduction=reduction
    )
    theirs = optuna.pruners.HyperbandPruner(least, MOST, reduction)
    return duel(rule, theirs, maximize=chance.random() < 0.5, most=MOST)


RULES: list[Callable[[random.Random], Duel]] = [median, percentile, asha, hyperband]
FINITE = [n / 10 for n in range(7)]  # few, so that ties and equal quantiles are common
ODD = [math.nan, math.inf, -math.inf]
GOES_ON: Fate = "goes on"
FATES: list[Fate] = [*[GOES_ON] * 7, "completes", "completes", "fails"]
FURTHER = [0, 1, 1, 1, 1, 2, 3, 9, 150]


def values(made: Duel) -> list[float]:
    """Return what is reported: an infinite value is a number to Optuna, and to a vendor's rule none."""
    return FINITE if made.most == MOST else [*FINITE, *ODD]


@pytest.mark.parametrize("rule", RULES)
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_every_decision_is_optunas(rule: Callable[[random.Random], Duel], data: st.DataObject) -> None:
    made = rule(data.draw(st.randoms(use_true_random=False)))
    events = st.builds(
        Event,
        which=st.integers(0, AT_ONCE - 1),
        further=st.sampled_from(FURTHER),
        value=st.sampled_from([*values(made), math.nan]),
        fate=st.sampled_from(FATES),
    )
    for event in data.draw(st.lists(events, max_size=60)):
        made.tell(event)


def events(chance: random.Random, choice: Sequence[float]) -> list[Event]:
    """Draw one job's events: of one trial at a time, or of several."""
    at_once = chance.choice([1, 2, AT_ONCE])
    odd = [*choice, math.nan]
    return [
        Event(
            chance.randrange(at_once),
            chance.choice(FURTHER),
            chance.choice(odd) if chance.random() < 0.3 else chance.random(),
            chance.choice(FATES),
        )
        for _ in range(chance.randint(5, 60))
    ]


@pytest.mark.slow
def test_random_jobs_have_no_decision_that_is_not_optunas() -> None:
    decisions = pruned = 0
    for case in range(CASES):
        chance = random.Random(case)  # noqa: S311 - a test keeps no secrets
        made = RULES[case % len(RULES)](chance)
        for event in events(chance, values(made)):
            made.tell(event)
        decisions, pruned = decisions + made.decisions, pruned + made.pruned
    print(f"{CASES} jobs: {decisions} decisions, {pruned} times pruned, 0 differences")  # noqa: T201 - the figures
    assert pruned > CASES, "there was much to decide"
