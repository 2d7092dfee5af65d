"""Where a learning curve ends, by the complete curves of the same job.

At each rung the end is regressed on two numbers of a curve: its level there, and its rise since half-way. The
regression is local (complete curves of a similar level count more) and shrunk to the prior that all curves
still gain the same; how far the complete ones are from it, and something more, is the uncertainty. Google
Vizier's early stopping predicts ends from the other trials' curves, too, by a Gaussian process. Greater is
better in all of it.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_SMOOTHED = 8
"""A level is the median of this part of the curve so far, which is one value in the first steps."""
_NEAR = 1.5
"""Levels within so many standard deviations of all levels count most."""
_FAR = 0.05
"""What a curve at any other level counts at least."""
_RIDGE = 2.0
"""The slopes are shrunk as if so many curves more said that there are none."""
_PRIOR = 2.0
"""As many curves' worth is what was believed of the residuals before the first."""
_BELIEVED = 0.15
"""That belief: the standard deviation of the residuals, as a part of what curves still gain on average."""
_UNLIKE = 1.7
"""How much wider the uncertainty is than the regression's own, which knows of no curves but such as it saw.
New trials are proposed where none has been: small networks on six data sets that were given up ended, root
mean square, 0.7 to 2.3 of its standard deviations away, by data set and step; mostly 1.3 to 2.1."""
_MOST = 1.25
"""No curve gains more from a rung on than the complete ones did, by this factor."""
_WORST = 3.0
"""Curves further below the middle than this times the best is above it gain what one there gains."""
_BEST_PART = 0.5
_FEWEST = 5
_USUAL = 0.7
"""How well ranks agree as long as nothing is known, worth `_USUAL_WEIGHT` trials."""
_USUAL_WEIGHT = 4.0
_ROOT2 = math.sqrt(2)
_ROUNDED = 1e-9
"""Differences below this part of the values themselves are none."""


class Forecast(NamedTuple):
    """Where a curve ends: the expected value, and its standard deviation."""

    mean: float
    spread: float

    def chance(self, best: float) -> float:
        """Return the chance that the end is above `best`."""
        if self.spread <= 0.0:
            return float(self.mean > best)
        return math.erfc((best - self.mean) / (self.spread * _ROOT2)) / 2

    def chances_below(self, ends: Iterable[float]) -> list[float]:
        """Return for each of several values the chance that the end is not above it."""
        mean, wide = self.mean, self.spread * _ROOT2
        if wide <= 0.0:
            return [float(mean <= end) for end in ends]
        return [math.erfc((mean - end) / wide) / 2 for end in ends]


def level_and_rise(values: Sequence[float]) -> tuple[float, float]:
    """Return the level of a curve at its last value, and how far it rose there since half-way.

    Args:
        values: The values so far, at least one.
    """
    count = len(values)
    wide = count // _SMOOTHED + 1
    last = sorted(values[-wide:])
    level = (last[(wide - 1) // 2] + last[wide // 2]) / 2
    half = (count + 1) // 2
    before = values[max(0, half - wide) : half]
    return level, level - sum(before) / len(before)


class Ends:
    """The complete curves that passed a rung: what they were there, and where they ended.

    Args:
        levels: Their levels at the rung, shape (n,), n >= 1.
        rises: Their rises, shape (n,).
        ends: Their last values, shape (n,).

    Attributes:
        count: How many they are.
    """

    def __init__(self, levels: Array, rises: Array, ends: Array) -> None:
        self.count = len(ends)
        self._ranked = levels, ends
        self._lowest = _lowest(levels)
        rises = np.where(levels < self._lowest, 0.0, rises)
        levels = np.maximum(levels, self._lowest)
        gains = np.maximum(ends, _lowest(ends)) - levels
        most = float(gains.max())
        self._most = most * _MOST if most > 0 else most
        self._believed = (_BELIEVED * float(np.abs(gains).mean())) ** 2
        self._levels = levels
        self._reach = _NEAR * float(levels.std()) or 1.0
        self._least = (_ROUNDED * float(np.abs(levels).max())) ** 2
        self._middle = float(levels.mean()), float(rises.mean()), float(gains.mean())
        a, b, c = (each - middle for each, middle in zip((levels, rises, gains), self._middle, strict=True))
        # One product with the weights gives every moment that the regression needs
        self._products = np.stack([np.ones(self.count), a, b, c, a * a, a * b, b * b, a * c, b * c, c * c])

    @cached_property
    def agreement(self) -> float:
        """How well the ranks of levels and ends agree (Spearman) in the better part of the curves, -1 to 1.

        Shrunk to what is usual.
        """
        return _agreement(*self._ranked)

    def forecast(self, level: float, rise: float) -> Forecast:
        """Return where a curve ends that is as given at this rung; costs microseconds."""
        if level < self._lowest:
            mean, spread = self.forecast(self._lowest, 0.0)
            return Forecast(mean - (self._lowest - level), spread)
        away = (self._levels - level) / self._reach
        weights = np.exp(-0.5 * away * away) + _FAR
        total, a, b, c, aa, ab, bb, ac, bc, cc = (self._products @ weights).tolist()
        a, b, c = a / total, b / total, c / total
        aa, ab, bb = aa - total * a * a, ab - total * a * b, bb - total * b * b
        ac, bc, cc = ac - total * a * c, bc - total * b * c, cc - total * c * c
        more = 1 + _RIDGE / self.count
        least = self._least * total
        inverse = _inverse(aa * more, ab, bb * more, least)
        by_level, by_rise = inverse[0] * ac + inverse[1] * bc, inverse[1] * ac + inverse[2] * bc
        rest = cc - 2 * (by_level * ac + by_rise * bc)
        rest += by_level * by_level * aa + 2 * by_level * by_rise * ab + by_rise * by_rise * bb
        x, y = level - self._middle[0] - a, rise - self._middle[1] - b
        effective = total * total / float(weights @ weights)
        seen = max(rest, 0.0) / total * effective / max(effective - 1.5, 0.7)
        variance = (seen * self.count + self._believed * _PRIOR) / (self.count + _PRIOR)
        reach = inverse[0] * x * x + 2 * inverse[1] * x * y + inverse[2] * y * y
        gain = self._middle[2] + c + by_level * x + by_rise * y
        spread = _UNLIKE * math.sqrt(variance * (1 + 1 / self.count + reach))
        return Forecast(level + min(gain, self._most), spread)


def _inverse(aa: float, ab: float, bb: float, least: float) -> tuple[float, float, float]:
    """Return the inverse of a symmetric matrix; 0 for what hardly varies."""
    if aa <= least or bb <= least:
        return (1 / aa if aa > least else 0.0), 0.0, (1 / bb if bb > least else 0.0)
    determinant = aa * bb - ab * ab
    return bb / determinant, -ab / determinant, aa / determinant


def _lowest(values: Array) -> float:
    """Return how low values may be: a diverged run says no more than that it is bad."""
    ordered = np.sort(values)
    middle, best = float(ordered[len(values) // 2]), float(ordered[-1])
    return middle - _WORST * (best - middle)


def _agreement(levels: Array, ends: Array) -> float:
    best = np.argsort(-ends, kind="stable")[: max(_FEWEST, math.ceil(len(ends) * _BEST_PART))]
    one, other = _ranks(levels[best]), _ranks(ends[best])
    if not other.any():
        return _USUAL  # all the same in the end: nothing to be told apart
    size = math.sqrt(float(one @ one) * float(other @ other))
    found = float(one @ other) / size if size else 0.0
    return (found * len(best) + _USUAL * _USUAL_WEIGHT) / (len(best) + _USUAL_WEIGHT)


def _ranks(values: Array) -> Array:
    """Return ranks with a mean of 0; equal values share one."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - 0.5 * counts)[which]
    return np.asarray(ranks - ranks.mean())
