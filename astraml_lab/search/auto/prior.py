"""What trials of elsewhere say of a search, as far as its own trials agree with them.

A source (one earlier job) counts while it ranks the search's own trials as these turned out, more than by
chance: the agreement by which Feurer et al. 2018 (arXiv 1802.02219) weigh earlier models. What contradicts
the search, or has nothing to do with it, so costs it the one trial in which the source's best was tried.

The trials of the others stand in the model beside the search's own, each source at a distance in a column of
its own. How far that is, is learned like any length scale, and with it how much the two have in common: a
kernel over tasks as in Bonilla et al. 2008 (Multi-task Gaussian Process Prediction), with one number for
each. They make room as the search's own trials come in.

Each source's values are warped by themselves, so that another unit or scale of the objective is none here
(Salinas et al. 2020, arXiv 1909.13595, do it by ranks), and each has a noise of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from astraml_lab.search.auto.outcomes import targets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from astraml_lab.search.auto.outcomes import Outcome, Targets
    from astraml_lab.search.auto.surrogate import Surrogate

    Array = NDArray[np.float64]
    Counts = NDArray[np.int64]
    Mask = NDArray[np.bool_]

MOST_SOURCES = 8
_MOST_ROWS = 60
_TOGETHER = 60
"""With the search's own there are at most so many rows, until these alone are more."""
_FIRST = 2
_PROMISING = 3
_FEW, _TAU, _DEVIATIONS = 3, 0.3, 1.3
_AWAY = 0.3
"""A source's distance at a length scale of 1, which is a middling one."""


@dataclass(frozen=True)
class Sample:
    """The trials of one source.

    Attributes:
        rows: Shape (n, d).
        outcomes: Theirs, n of them.
        kept: Which keep to the search's limits, shape (n,).
    """

    rows: Array
    outcomes: Sequence[Outcome]
    kept: Mask


@dataclass(frozen=True)
class Source:
    """What one source knows, its best trials first.

    Attributes:
        name: Its name.
        rows: Shape (n, d).
        values: Warped, with a mean of 0 and a variance of 1, shape (n,).
        variances: Their own uncertainty, the source's noise included, shape (n,).
        model: What is believed of the source alone.
        best: The row that is best by that of those that keep to the search's limits, shape (d,), if any does.
    """

    name: str
    rows: Array
    values: Array
    variances: Array
    model: Surrogate
    best: Array | None

    def agrees(self, rows: Array, values: Array) -> bool:
        """Whether it ranks rows (n, d) as values (n,) do, more than by chance: by Kendall's tau."""
        count = len(rows)
        if count < _FEW:
            return False
        expected = self.model.believes(rows)[0]
        # Compared, not subtracted: of two failures neither is worse
        worse = (values[:, None] > values).astype(float) - (values[:, None] < values)
        tau = float((worse * np.sign(expected[:, None] - expected)).sum()) / (count * (count - 1))
        by_chance = math.sqrt(2 * (2 * count + 5) / (9 * count * (count - 1)))
        return tau > max(_TAU, _DEVIATIONS * by_chance)

    def in_terms_of(self, rows: Array, values: Array) -> tuple[float, float]:
        """Return the offset and the slope by which what it expects at rows (n, d) becomes values (n,).

        A few trials at the best of elsewhere have the same mean and variance as many over the whole space.
        """
        expected = self.model.believes(rows)[0]
        away, off = expected - expected.mean(), values - values.mean()
        # As if one more trial, a standard deviation away, had said that nothing is to be changed
        slope = float((away @ off + 1.0) / (away @ away + 1.0))
        return float(values.mean() - slope * expected.mean()), max(slope, 0.0)

    def cut(self, most: int) -> Source:
        """Return the source with at most so many trials: the best, and others evenly over their ranks."""
        kept = _spread(len(self.rows), most)
        return replace(self, rows=self.rows[kept], values=self.values[kept], variances=self.variances[kept])


@dataclass(frozen=True)
class Prior:
    """What all sources know; none where there are none."""

    sources: tuple[Source, ...] = ()

    @property
    def first(self) -> tuple[Source, ...]:
        """The sources whose best is tried before anything else: the latest that have one."""
        return tuple(source for source in reversed(self.sources) if source.best is not None)[:_FIRST]

    def agreeing(self, rows: Array, outcomes: Sequence[Outcome]) -> Prior:
        """Return the sources that rank the search's own trials as these turned out."""
        values = np.array([outcome.value for outcome in outcomes])
        return Prior(tuple(source for source in self.sources if source.agrees(rows, values)))

    def beside(self, own: int) -> Prior:
        """Return what of it goes with so many trials of the search itself."""
        most = min(_MOST_ROWS, _TOGETHER - own) // max(1, len(self.sources))
        return Prior(tuple(source.cut(most) for source in self.sources)) if most > 0 else NO_PRIOR

    def choices(self, choices: Counts) -> Counts:
        """Return how many choices a column has, the sources' included: these hold a distance."""
        return np.concatenate([choices, np.zeros(len(self.sources), dtype=choices.dtype)])

    def here(self, rows: Array) -> Array:
        """Return rows of the search itself (m, d) with the sources' columns, shape (m, d + s)."""
        return np.concatenate([rows, np.zeros((len(rows), len(self.sources)))], axis=1)

    def joined(self, rows: Array, known: Targets) -> tuple[Array, Targets]:
        """Return what the model is given: the search's own, then the sources'."""
        if not self.sources:
            return rows, known
        every, values, variances = [self.here(rows)], [known.values], [known.variances]
        for index, source in enumerate(self.sources):
            there = self.here(source.rows)
            there[:, rows.shape[1] + index] = _AWAY
            offset, slope = source.in_terms_of(rows, known.values)
            every.append(there)
            values.append(offset + slope * source.values)
            variances.append(slope**2 * source.variances)
        told = replace(known, values=np.concatenate(values), variances=np.concatenate(variances))
        return np.concatenate(every), told

    def promising(self, observed: Array) -> Array:
        """Return rows from which to search, the best of the sources among those of the search itself."""
        if not self.sources:
            return observed
        best = np.concatenate([source.rows[:_PROMISING] for source in self.sources])
        return np.concatenate([observed[:_PROMISING], best, observed[_PROMISING:]])


NO_PRIOR = Prior()


def prior_of(found: Mapping[str, Sample], choices: Counts) -> Prior:
    """Return what there is to learn from elsewhere.

    Args:
        found: The trials of each source; of more than `MOST_SOURCES`, the last are taken.
        choices: How many choices a column has, as in `Encoding`.
    """
    sources = [_source(name, its, choices) for name, its in list(found.items())[-MOST_SOURCES:]]
    return Prior(tuple(source for source in sources if source is not None))


def _source(name: str, its: Sample, choices: Counts) -> Source | None:
    from astraml_lab.search.auto.surrogate import Surrogate, fit, start  # scipy, for those who start warm

    known = targets(its.outcomes)
    if known is None:
        return None
    order = np.argsort(known.values, kind="stable")
    order = order[_spread(len(order), 2 * _MOST_ROWS)]
    rows, values, variances = its.rows[order], known.values[order], known.variances[order]
    parameters = fit(rows, values, variances, choices, start(rows.shape[1]))
    model = Surrogate.given(rows, values, variances, choices, parameters)
    # Noise says that the best of all was lucky
    kept = its.rows[its.kept]
    best = kept[int(np.argmin(model.believes(kept)[0]))] if len(kept) else None
    return Source(name, rows, values, variances + math.exp(parameters[-1]), model, best)


def _spread(count: int, most: int) -> NDArray[np.int64]:
    """Return at most so many of the first `count` numbers: the first ones, and others evenly."""
    if count <= most:
        return np.arange(count)
    first = most // 2
    others = np.linspace(first, count - 1, most - first).round().astype(int)
    return np.concatenate([np.arange(first), others])
