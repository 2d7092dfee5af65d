"""What ended trials say, smaller being better, in the form that a Gaussian process takes well."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from optuna.trial import TrialState

from astraml_lab.search.auto.unfinished import Unfinished

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from optuna.trial import FrozenTrial

    Array = NDArray[np.float64]
    Counts = NDArray[np.int64]

_FEW = 3
"""So many values are enough for a model."""
_WIDEST = 2.0
_FAILURE = 0.3
"""How uncertain a failure is, in units of what the model is given: another run of the point may work."""
_END = 4.0
"""So many widths of the better half are left of the worse one."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a trial ended: `value` is infinite where it failed, `spread` the standard deviation of a guess."""

    value: float
    spread: float = 0.0


@dataclass(frozen=True)
class Targets:
    """What the model is given.

    Attributes:
        values: With a mean of 0 and a variance of 1, shape (n,).
        variances: Their own uncertainty, shape (n,).
        middle: The mean before, of the warped values.
        scale: The standard deviation before.
    """

    values: Array
    variances: Array
    middle: float
    scale: float

    def at(self, which: Counts) -> Targets:
        """Return those of some trials, in that order."""
        return Targets(self.values[which], self.variances[which], self.middle, self.scale)


def outcomes(
    trials: Sequence[FrozenTrial],
    *,
    maximise: bool,
    objective: int = 0,
    unfinished: Unfinished | None = None,
) -> list[Outcome]:
    """Return how ended trials ended, by one of their objectives.

    A pruned trial counts as where its curve would have ended, as those of complete trials tell; how well
    they tell is its uncertainty. Before they can, it counts as its last value.

    Args:
        trials: They.
        maximise: Whether higher values are better.
        objective: Which one.
        unfinished: What is known of this study's curves from before, which saves time and changes nothing.
    """
    sign = -1.0 if maximise else 1.0
    ends = [(trial, -end) for trial in trials if math.isfinite(end := _ended_as(trial, sign, objective))]
    usual = float(np.std([end for _, end in ends])) if ends else 0.0
    unfinished = unfinished or Unfinished(maximise=maximise, objective=objective)
    return [
        Outcome(_ended_as(trial, sign, objective))
        if trial.state is not TrialState.PRUNED
        else _given_up(trial, ends, usual, unfinished)
        for trial in trials
    ]


def _given_up(
    trial: FrozenTrial, ends: Sequence[tuple[FrozenTrial, float]], usual: float, unfinished: Unfinished
) -> Outcome:
    last = unfinished.last(trial)
    if last is None:
        return Outcome(math.inf)
    forecast = unfinished.forecast(trial, ends)
    return Outcome(-last, usual) if forecast is None else Outcome(-forecast.mean, forecast.spread)


def _ended_as(trial: FrozenTrial, sign: float, objective: int) -> float:
    """Return the value of a complete trial; infinite where there is none."""
    if trial.state is not TrialState.COMPLETE:
        return math.inf
    value = sign * trial.values[objective]
    return value if math.isfinite(value) else math.inf


def half_ranked(values: Array) -> Array:
    """Return values whose worse half is what its ranks would be in a normal distribution.

    The better half stays as it is, so that a cliff or a diverged run does not hide its differences: the
    first of the output warpings of Google Vizier (Song et al. 2024, arXiv 2408.11527, appendix).

    Args:
        values: Finite, smaller being better, shape (n,).
    """
    from scipy.special import ndtri  # a third of a second, which the first trials need not wait for

    # The lower of two middle values: one half-way to an outlier would set the scale
    middle = float(np.sort(values)[(len(values) - 1) // 2])
    better = values <= middle
    scale = math.sqrt(float(np.mean((values[better] - middle) ** 2))) or float(values.std())
    _, ties, counts = np.unique(values, return_inverse=True, return_counts=True)
    shares = (np.cumsum(counts) - 0.5 * counts) / len(values)
    return np.where(better, values, middle + scale * np.maximum(ndtri(shares[ties]), 0.0))


def drawn_together(values: Array) -> Array:
    """Return values whose worse half comes to an end, smoothly, a few widths of the better half behind it.

    For one of several objectives, of which the worse half matters too: a front ends there. Ranks would bend
    what the model sees; this bends an objective without outliers little.

    Args:
        values: Finite, smaller being better, shape (n,).
    """
    middle = float(np.sort(values)[(len(values) - 1) // 2])
    better = values <= middle
    scale = math.sqrt(float(np.mean((values[better] - middle) ** 2))) or float(values.std()) or 1.0
    beyond = np.maximum(values - middle, 0.0) / scale
    return np.where(better, values, middle + scale * beyond / (1.0 + beyond / _END))


def targets(
    ended: Sequence[Outcome], warped_by: Callable[[Array], Array] = half_ranked, *, flat: bool = False
) -> Targets | None:
    """Return what the model is given, or `None` where there is too little to learn from.

    What has no value is one standard deviation worse than the worst: it says where not to go, and no more. Of
    the search's own trials, one without any value is no part of it (see `failures`).

    Args:
        ended: How trials ended.
        warped_by: The output warping.
        flat: Whether to go on where all values are the same.
    """
    values = np.array([outcome.value for outcome in ended])
    spreads = np.array([outcome.spread for outcome in ended])
    known = np.isfinite(values)
    if known.sum() < _FEW:
        return None
    warped = np.empty_like(values)
    warped[known] = warped_by(values[known])
    scale = float(warped[known].std())
    if not scale > 0.0:
        if known.all() and not flat:
            return None
        scale = max(abs(float(warped[known][0])), 1.0)
    warped[~known] = warped[known].max() + scale
    middle, scale = float(warped.mean()), float(warped.std()) or scale
    variances = np.where(known, np.minimum(spreads / scale, _WIDEST), _FAILURE) ** 2
    return Targets((warped - middle) / scale, variances, middle, scale)
