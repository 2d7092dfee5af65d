"""One proposal where several objectives are weighed, or constraints have to be kept to.

Each objective and each constraint has a Gaussian process of its own. A point promises what it is expected to
add to the volume that the front dominates, times how likely it keeps to the constraints; as long as no trial
keeps to them, the latter alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from astraml_lab.search.auto.climbing import Ground, climb
from astraml_lab.search.auto.design import among
from astraml_lab.search.auto.failures import Failing, failing
from astraml_lab.search.auto.feasibility import limit_targets, log_chance
from astraml_lab.search.auto.fitting import MOST_ROWS, fitted
from astraml_lab.search.auto.frontier import Frontier, beating
from astraml_lab.search.auto.improvement import log_improvement
from astraml_lab.search.auto.limits import no_limits
from astraml_lab.search.auto.outcomes import drawn_together, half_ranked, targets
from astraml_lab.search.auto.proposing import believing
from astraml_lab.search.auto.surrogate import Surrogate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from astraml_lab.search.auto.conditions import Conditions
    from astraml_lab.search.auto.encoding import Encoding
    from astraml_lab.search.auto.history import Fitted, Last, Seen
    from astraml_lab.search.auto.limits import Limits
    from astraml_lab.search.auto.outcomes import Targets

    Array = NDArray[np.float64]
    Counts = NDArray[np.int64]

_LIKELY = math.log(0.5)
"""A running trial that keeps to the constraints with less than this is not taken for one of the front."""


@dataclass(frozen=True)
class Weighed:
    """A row to try next.

    Attributes:
        row: Shape (d,).
        fits: The models of the objectives and of the constraints, from which the next ones begin; `None`
            where there was nothing to fit.
        gain: Whether the models expect an improvement, rather than an insight.
        means: What they expect of the objectives, in the terms of `Outcome.value`.
        deviations: How uncertain that is.
        chance: That no trial so far beats it.
        keeps: How likely it keeps to the constraints; `None` where nothing is known of any.
        kept: Whether any trial keeps to them.
        failing: The model of where trials fail, if any did.
        works: How likely it does not fail; `None` where no trial failed.
    """

    row: Array
    fits: tuple[Fitted | None, ...]
    gain: bool
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    chance: float
    keeps: float | None
    kept: bool
    failing: Fitted | None = None
    works: float | None = None


@dataclass(frozen=True)
class _Modelled:
    """One objective or constraint: what its model was given, and the model, without the running trials."""

    known: Targets
    fit: Fitted
    model: Surrogate
    limit: float = 0.0

    def told(self, mean: float, deviation: float, raw: Array) -> tuple[float, float]:
        """Return a belief in terms of the `raw` values of `known`, as far as trials have been there."""
        there = np.isfinite(raw)
        warped, at = np.unique(self.known.values[there], return_index=True)
        low, middle, high = np.interp([mean - deviation, mean, mean + deviation], warped, raw[there][at])
        # The better half is not warped
        beyond = min(mean - warped[0], 0.0) * self.known.scale
        return float(middle + beyond), float(max((high - low) / 2, deviation * self.known.scale / 2))


@dataclass(frozen=True)
class _Prospect:
    """What rows promise."""

    conditions: Conditions
    models: tuple[Surrogate, ...]
    bounds: tuple[tuple[Surrogate, float], ...]
    fails: Failing
    front: Array
    frontier: Frontier

    def beliefs(self, rows: Array) -> tuple[Array, Array]:
        """Return the means and the standard deviations of the objectives, each of shape (objectives, m)."""
        both = np.array([model.believes(rows) for model in self.models])
        return both[:, 0], both[:, 1]

    def promise(self, candidates: Array) -> Array:
        rows = self.conditions.quieted(candidates)
        likely = log_chance(self.bounds, rows) + self.fails.log_weight(rows)
        if not len(self.front):
            return likely
        means, deviations = self.beliefs(rows)
        if len(means) == 1:
            return log_improvement(means[0], deviations[0], float(self.front.min())) + likely
        return self.frontier.log_gain(means, deviations) + likely


def weigh(
    encoding: Encoding,
    seen: Seen,
    fixed: Array,
    last: Last,
    random: np.random.Generator,
) -> Weighed | None:
    """Return the next row, or `None` where there is too little to learn from.

    Args:
        encoding: The columns.
        seen: What is known.
        fixed: The values that are set, NaN where a column is free, shape (d,).
        last: The last fits.
        random: The source of all chance.
    """
    fails = failing(seen.rows, seen.failed, encoding.choices, last.failing)
    tried = np.concatenate([seen.rows, seen.running])
    seen = seen.without_failed()
    values = np.array([[outcome.value for outcome in each] for each in seen.objectives])
    limits = seen.limits or no_limits(len(seen.rows))
    order = _ordered(values, limits, random)
    begun = [*last.fits, *[None] * (len(values) + len(limits.excesses))]
    warp = drawn_together if seen.further else half_ranked
    goals = [
        _modelled(encoding, seen.rows, order, targets(outcomes, warp), fit)
        for outcomes, fit in zip(seen.objectives, begun, strict=False)
    ]
    if not any(goals):
        return None
    bounds = [
        _bounded(encoding, seen.rows, order, excesses, fit)
        for excesses, fit in zip(limits.excesses, begun[len(values) :], strict=False)
    ]
    ground = Ground(encoding, fixed)
    usable = order[np.isfinite(values[:, order]).all(axis=0) & limits.kept[order]]
    prospect = _prospect(seen, ground.settled(seen.rows[usable]), goals, bounds, fails)
    found = climb(ground, prospect.promise, seen.rows[order], random)
    quiet = seen.conditions.quieted(found)
    at = next((at for at, row in enumerate(quiet) if not among(tried, row)), 0)
    means, deviations = (each[:, 0] for each in prospect.beliefs(quiet[at : at + 1]))
    said = [(float(raw.min()), 0.0) for raw in values]
    modelled = [index for index, goal in enumerate(goals) if goal is not None]
    for index, mean, deviation in zip(modelled, means, deviations, strict=True):
        said[index] = goals[index].told(mean, deviation, values[index][order])  # type: ignore[union-attr]  # modelled
    return Weighed(
        found[at],
        tuple(None if each is None else each.fit for each in [*goals, *bounds]),
        gain=not (prospect.front <= means).all(axis=1).any(),
        means=tuple(mean for mean, _ in said),
        deviations=tuple(deviation for _, deviation in said),
        chance=prospect.frontier.chance(means, deviations),
        keeps=_keeps(prospect, quiet[at]),
        kept=bool(len(usable)),
        failing=fails.fitted,
        works=fails.works(quiet[at]),
    )


def _prospect(
    seen: Seen,
    kept: Array,
    goals: Sequence[_Modelled | None],
    bounds: Sequence[_Modelled | None],
    fails: Failing,
) -> _Prospect:
    """Return what is promised beyond the front of the rows that keep to the constraints.

    Of what is believed there, not of what was seen: that may have been luck. Running trials are part of it.
    """
    varied = [goal for goal in goals if goal is not None]
    models = tuple(believing(goal.model, goal.known, seen.running) for goal in varied)
    limited = tuple(
        (believing(bound.model, bound.known, seen.running), bound.limit)
        for bound in bounds
        if bound is not None
    )
    likely = seen.running[log_chance(limited, seen.running) > _LIKELY]
    rows = np.concatenate([seen.conditions.quieted(kept), likely if len(kept) else likely[:0]])
    front = np.array([goal.model.believes(rows)[0] for goal in varied]).T
    worst = np.array([goal.known.values.max() for goal in varied])
    return _Prospect(seen.conditions, models, limited, fails, front, Frontier.of(front, worst))


def _modelled(
    encoding: Encoding, rows: Array, order: Counts, known: Targets | None, last: Fitted | None
) -> _Modelled | None:
    if known is None:
        return None
    part = known.at(order)
    fit = fitted(rows[order], part, encoding.choices, last, len(rows))
    model = Surrogate.given(rows[order], part.values, part.variances, encoding.choices, fit.parameters)
    return _Modelled(part, fit, model)


def _bounded(
    encoding: Encoding, rows: Array, order: Counts, excesses: Array, last: Fitted | None
) -> _Modelled | None:
    told = order[~np.isnan(excesses[order])]
    found = limit_targets(excesses[told])
    if found is None:
        return None
    known, limit = found
    fit = fitted(rows[told], known, encoding.choices, last, len(rows))
    model = Surrogate.given(rows[told], known.values, known.variances, encoding.choices, fit.parameters)
    return _Modelled(known, fit, model, limit)


def _keeps(prospect: _Prospect, row: Array) -> float | None:
    return math.exp(float(log_chance(prospect.bounds, row[None])[0])) if prospect.bounds else None


def _ordered(values: Array, limits: Limits, random: np.random.Generator) -> Counts:
    """Return the trials to learn from: what misses the constraints least first, then the front, by lot.

    Args:
        values: Of each objective, shape (objectives, n).
        limits: What is known of the constraints.
        random: The source of all chance.
    """
    missed = np.nansum(np.maximum(limits.excesses, 0.0), axis=0)
    less = missed[:, None] < missed[None]
    beaten = less | ((missed[:, None] == missed[None]) & beating(values.T))
    order = np.lexsort([random.random(len(missed)), beaten.sum(axis=0)])
    if len(order) <= MOST_ROWS:
        return order
    half = MOST_ROWS // 2
    return np.concatenate([order[:half], random.choice(order[half:], MOST_ROWS - half, replace=False)])
