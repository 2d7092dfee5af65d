"""Strategies as Optuna's samplers, and what a user should know about each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from optuna.distributions import CategoricalDistribution
from optuna.samplers import (
    BaseSampler,
    CmaEsSampler,
    GPSampler,
    NSGAIISampler,
    QMCSampler,
    TPESampler,
)
from optuna.trial import create_trial

from astraml_lab.errors import MissingExtra, Problem
from astraml_lab.optional import installed
from astraml_lab.search.auto import MOST_COLUMNS, MOST_OBJECTIVES, MOST_TRIALS, AutoSampler
from astraml_lab.search.boundary import quiet
from astraml_lab.search.distributions import coding_of
from astraml_lab.search.proposals import STOPPED, WARM
from astraml_lab.search.random_draws import RandomDraws
from astraml_lab.spec import Strategy
from astraml_lab.spec.job import grid_problems

if TYPE_CHECKING:
    from collections.abc import Sequence

    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial
    from optuna.trial import TrialState as OptunaState

    from astraml_lab.spec import Definition, Space

NEEDS: dict[Strategy, tuple[str, ...]] = {
    Strategy.GP: ("torch",),
    Strategy.CMAES: ("cmaes",),
    Strategy.QMC: (),
}
"""What models all trials' dimensions together, with the libraries of the extra `search` that it needs."""
SLOW_GP = 250
SLOW_TPE = 5_000
MANY_OBJECTIVES = 3
GOES_BY_NUMBER = frozenset({Strategy.AUTO, Strategy.QMC, Strategy.RANDOM, Strategy.HYPERBAND, Strategy.GRID})
"""Strategies that know by a trial's number what it draws: a resumed search has to have the same seed."""
UNTAUGHT = frozenset({Strategy.QMC, Strategy.RANDOM, Strategy.HYPERBAND, Strategy.GRID})
"""Strategies whose points are the same whatever came of earlier ones."""
NSGA2_POPULATION = 50
_TENTH = 10
"""So many trials have a best tenth."""


class _Fixed:
    """Mixed into samplers that learn their space from finished trials: ours is known from the start.

    They would take in a conditional dimension that happened to be active in all trials so far: CMA-ES then
    keeps a space of the wrong size and samples at random for ever, and QMC warns at each trial.
    """

    fixed: dict[str, BaseDistribution]

    def infer_relative_search_space(
        self, _study: optuna.Study, _trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return dict(self.fixed)


class _Gp(_Fixed, GPSampler):
    pass


class _CmaEs(_Fixed, CmaEsSampler):
    def after_trial(
        self, study: optuna.Study, trial: FrozenTrial, state: OptunaState, values: Sequence[float] | None
    ) -> None:
        # Without Optuna's warning that constraints are passed over: `strategy_notes` says so at the launch
        self._independent_sampler.after_trial(study, trial, state, values)


class _Qmc(_Fixed, QMCSampler):
    pass


def sampler_problems(strategy: Strategy, definition: Definition) -> list[Problem]:
    """Find why `strategy` cannot search `definition`."""
    if strategy is Strategy.CMAES and len(definition.objectives) > 1:
        return [Problem("strategy", '"cmaes"', "goes with one objective", "auto, gp or nsga2 take several")]
    if strategy is Strategy.GRID:
        return grid_problems(definition.space)
    return []


def require_sampler(strategy: Strategy) -> None:
    """Refuse a strategy whose libraries are not installed; imports nothing.

    Raises:
        MissingExtra: The strategy needs a library of the extra `search`.
    """
    for library in NEEDS.get(strategy, ()):
        if not installed(library):
            raise MissingExtra(library, "search")


def build_sampler(
    strategy: Strategy, definition: Definition, seed: int, warm: Sequence[FrozenTrial] = ()
) -> BaseSampler:
    """Build the sampler of a strategy, whose libraries are installed.

    `hyperband` samples at random (its pruner does the work) and so does `grid`, where an enqueued point
    leaves something open.

    Args:
        strategy: The strategy.
        definition: The space and its objectives.
        seed: The sampler's seed.
        warm: The trials from elsewhere, for the one sampler that would not look for them in the study.
    """
    with quiet():
        return _build(strategy, definition, seed, warm)


def _build(strategy: Strategy, definition: Definition, seed: int, warm: Sequence[FrozenTrial]) -> BaseSampler:
    if strategy is Strategy.AUTO:
        return AutoSampler(seed=seed, space=_distributions(definition.space), left_out=STOPPED, warm=WARM)
    if strategy is Strategy.TPE:
        # With several objectives Optuna's default is one dimension at a time, which takes conditions as it is
        joint = is_conditional(definition.space) and len(definition.objectives) <= 1
        return TPESampler(seed=seed, group=joint)
    if strategy is Strategy.NSGA2:
        return NSGAIISampler(seed=seed, population_size=NSGA2_POPULATION)
    if strategy not in NEEDS:
        return RandomDraws(seed, len(warm))
    # What these cannot model jointly still learns, instead of staying random for ever
    alone = TPESampler(seed=seed, multivariate=False)
    options: dict[str, Any] = {
        "seed": seed,
        "independent_sampler": alone,
        "warn_independent_sampling": False,
    }
    sampler: _Gp | _CmaEs | _Qmc
    if strategy is Strategy.GP:
        sampler = _Gp(**options)
    elif strategy is Strategy.CMAES:
        sampler = _CmaEs(source_trials=_sources(warm, _joint(strategy, definition.space)), **options)
    else:
        # Scrambled: the plain sequence begins in the corner where everything is lowest
        sampler = _Qmc(scramble=True, **options)
    sampler.fixed = _joint(strategy, definition.space)
    return sampler


def _sources(warm: Sequence[FrozenTrial], joint: dict[str, BaseDistribution]) -> list[FrozenTrial] | None:
    """Return what CMA-ES begins from: complete trials without what it does not model."""
    complete = [trial for trial in warm if trial.state.name == "COMPLETE"]
    if not complete or not joint:
        return None
    cut = [
        create_trial(
            value=trial.value, params={name: trial.params[name] for name in joint}, distributions=joint
        )
        for trial in complete
    ]
    # It begins at the best tenth and refuses less than one: repeated, a few trials begin at their best
    return cut * math.ceil(_TENTH / len(cut))


def _distributions(space: Space) -> dict[str, BaseDistribution]:
    codings = [coding_of(name, dimension) for name, dimension in space.dimensions.items()]
    return {coding.name: coding.distribution for coding in codings}


def _joint(strategy: Strategy, space: Space) -> dict[str, BaseDistribution]:
    """Return the distributions that every trial has, by Optuna's name and in its order."""
    codings = [
        coding_of(name, dimension) for name, dimension in space.dimensions.items() if dimension.when is None
    ]
    return {
        coding.name: coding.distribution
        for coding in sorted(codings, key=lambda coding: coding.name)
        if not coding.distribution.single()
        and not (strategy is Strategy.CMAES and isinstance(coding.distribution, CategoricalDistribution))
    }


def is_conditional(space: Space) -> bool:
    """Whether any dimension has a `when=`."""
    return any(dimension.when for dimension in space.dimensions.values())


def strategy_notes(
    strategy: Strategy, definition: Definition, trials: int, *, limited: bool = False
) -> tuple[str, ...]:
    """Say what a user should know before a long wait: one plain sentence each.

    Args:
        strategy: How the next point is chosen.
        definition: The space and its objectives.
        trials: How many there will be.
        limited: Whether the best has to keep to constraints.
    """
    notes = []
    space = definition.space
    if strategy is Strategy.GP and trials > SLOW_GP:
        notes.append(f"gp is slow above {SLOW_GP} trials: each proposal fits a model to all of them")
    if strategy is Strategy.AUTO:
        notes.extend(_handed_over(definition, trials))
    if strategy in {Strategy.AUTO, Strategy.TPE} and trials > SLOW_TPE:
        notes.append(f"{strategy} is slow above {SLOW_TPE} trials; random and qmc stay fast")
    if (
        strategy in {Strategy.AUTO, Strategy.TPE, Strategy.GP}
        and len(definition.objectives) > MANY_OBJECTIVES
    ):
        notes.append(f"{strategy} is slow with more than {MANY_OBJECTIVES} objectives; nsga2 stays fast")
    if strategy is Strategy.NSGA2 and trials <= NSGA2_POPULATION:
        notes.append(
            f"nsga2 learns after its first {NSGA2_POPULATION} trials; {trials} of them are a random search"
        )
    if strategy is Strategy.CMAES and limited:
        notes.append("cmaes does not heed --subject-to while it searches; auto, tpe, gp and nsga2 do")
    if strategy in NEEDS:
        alone = [name for name in space.names() if not _is_joint(strategy, space, name)]
        if alone:
            notes.append(f"{strategy} samples {', '.join(alone)} apart from the others")
    return tuple(notes)


def _handed_over(definition: Definition, trials: int) -> list[str]:
    """Say where auto hands over to TPE."""
    if len(definition.objectives) > MOST_OBJECTIVES:
        return [f"auto searches more than {MOST_OBJECTIVES} objectives with tpe"]
    varied = [its for its in _distributions(definition.space).values() if not its.single()]
    if len(varied) > MOST_COLUMNS:
        return [f"auto searches more than {MOST_COLUMNS} dimensions with tpe"]
    if trials > MOST_TRIALS:
        return [f"auto goes on with tpe after {MOST_TRIALS:,} trials"]
    return []


def _is_joint(strategy: Strategy, space: Space, name: str) -> bool:
    coding = coding_of(name, space[name])
    return coding.distribution.single() or coding.name in _joint(strategy, space)
