"""A Gaussian process over numbers and choices, fitted by its most probable parameters.

The kernel is Matérn-5/2 with a length scale for each column; two categorical values are one apart or not at
all (Hamming), as in Optuna's own sampler. The parameters are those of the highest posterior density, by
descent along exact gradients (Rasmussen & Williams, Gaussian Processes for Machine Learning, 2006, eq. 5.9).

A length scale is as likely above as below 1, the width of the whole range, whatever the number of dimensions:
one that grows with it (Hvarfner et al. 2024, arXiv 2402.02229) is made for hundreds of them and finds less in
the 2 to 30 that are searched here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from astraml_lab.search.auto.descent import descend
from astraml_lab.search.auto.linear import NotPositiveError, inverse_factor, product

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Counts = NDArray[np.int64]

LENGTH = (0.0, 1.0)
"""Mean and standard deviation of a length scale's logarithm."""
SIGNAL = (0.0, 0.7)
"""The same of the variance of what the model explains; what it is given has a variance of 1."""
NOISE = (-5.5, 1.5)
"""The same of the noise's variance."""
_LENGTHS, _SIGNALS, _NOISES = (-4.0, 6.0), (-4.0, 4.0), (-14.0, 1.0)
_JITTER = 1e-8
_ROUNDS = 25
_CLOSE = 0.01
"""A density that is 1 % higher is not worth another step."""
_AT_ONCE = 128
"""So many rows stay in the processor's own memory."""
_LEAST_VARIANCE = 1e-12
_ROOT2, _ROOT5 = math.sqrt(2.0), math.sqrt(5.0)


def start(columns: int) -> Array:
    """Return the parameters that a first fit begins with: d log length scales, log signal, log noise."""
    return np.concatenate([np.full(columns, math.log(0.5 * math.sqrt(columns))), [SIGNAL[0], NOISE[0]]])


def matern(squared: Array) -> tuple[Array, Array]:
    """Return the Matérn-5/2 correlation at squared distances, and its derivative by them."""
    scaled = np.sqrt(squared)
    scaled *= _ROOT5
    decay = np.exp(-scaled)
    slope = 1.0 + scaled
    slope *= decay
    scaled *= scaled
    scaled *= decay
    scaled *= 1.0 / 3.0
    scaled += slope
    slope *= -5.0 / 6.0
    return scaled, slope


def apart(rows: Array, choices: Counts) -> Array:
    """Return the squared differences of each two rows in each column, shape (d, n, n).

    Args:
        rows: Shape (n, d).
        choices: How many choices a column has, 0 where it holds a number, shape (d,).
    """
    columns = rows.T
    gaps = columns[:, :, None] - columns[:, None, :]
    gaps *= gaps
    among = choices > 0
    gaps[among] = gaps[among] != 0.0
    return gaps


def cost(parameters: Array, gaps: Array, targets: Array, variances: Array) -> tuple[float, Array]:
    """Return the negative log posterior density of the parameters, but for a constant, and its gradient.

    Args:
        parameters: As in `start`, shape (d + 2,).
        gaps: As from `apart`.
        targets: What was observed, shape (n,).
        variances: The noise of each observation beyond the common one, shape (n,).
    """
    means, deviations = _prior(len(parameters) - 2)
    away = (parameters - means) / deviations
    weights = np.exp(-2.0 * parameters[:-2])
    signal, noise = math.exp(parameters[-2]), math.exp(parameters[-1])
    alike, slope = matern(np.einsum("d,dij->ij", weights, gaps))
    covariance = signal * alike
    covariance[np.diag_indices(len(targets))] += noise + variances + _JITTER
    try:
        unfactor = inverse_factor(covariance)
    except NotPositiveError:
        return math.inf, np.zeros_like(parameters)
    whitened = np.einsum("ij,j->i", unfactor, targets)
    solved = np.einsum("ij,i->j", unfactor, whitened)
    pull = product(unfactor.T, unfactor)
    pull -= solved[:, None] * solved
    gradient = np.empty_like(parameters)
    gradient[-2] = 0.5 * signal * np.einsum("ij,ij->", pull, alike)
    gradient[-1] = 0.5 * noise * np.trace(pull)
    pull *= slope
    gradient[:-2] = -signal * weights * np.einsum("dij,ij->d", gaps, pull)
    value = 0.5 * whitened @ whitened - np.log(unfactor.diagonal()).sum() + 0.5 * away @ away
    return float(value), gradient + away / deviations


def fit(rows: Array, targets: Array, variances: Array, choices: Counts, begin: Array) -> Array:
    """Return the most probable parameters, searched from `begin`; that itself where nothing is better."""
    gaps = apart(rows, choices)
    return descend(
        lambda parameters: cost(parameters, gaps, targets, variances),
        begin,
        _bounds(rows.shape[1]),
        rounds=_ROUNDS,
        close=_CLOSE,
    )


@dataclass(frozen=True)
class Surrogate:
    """What is believed of a function after some observations, under given parameters."""

    rows: Array
    choices: Counts
    parameters: Array
    _unfactor: Array
    _solved: Array
    _places: Array

    @classmethod
    def given(
        cls, rows: Array, targets: Array, variances: Array, choices: Counts, parameters: Array
    ) -> Surrogate:
        """Condition on observations."""
        places = _placed(rows, choices, parameters)
        alike = _alike(places, _opposite(places), parameters)
        noise = math.exp(parameters[-1])
        alike[np.diag_indices(len(rows))] = math.exp(parameters[-2]) + noise + variances + _JITTER
        unfactor = inverse_factor(alike)
        solved = np.einsum("ij,i->j", unfactor, np.einsum("ij,j->i", unfactor, targets))
        return cls(rows, choices, parameters, unfactor, solved, _opposite(places))

    def believes(self, rows: Array) -> tuple[Array, Array]:
        """Return the mean and the standard deviation of the function, without noise, at rows (m, d)."""
        places = _placed(rows, self.choices, self.parameters)
        means, left = np.empty(len(rows)), np.empty(len(rows))
        for first in range(0, len(rows), _AT_ONCE):
            part = slice(first, first + _AT_ONCE)
            alike = _alike(places[part], self._places, self.parameters)
            means[part] = np.einsum("ij,j->i", alike, self._solved)
            # By the inverse factor: one matrix product is several times faster than solving for each row
            explained = product(alike, self._unfactor.T)
            left[part] = math.exp(self.parameters[-2]) - np.einsum("ij,ij->i", explained, explained)
        return means, np.sqrt(np.maximum(left, _LEAST_VARIANCE))


def _prior(columns: int) -> tuple[Array, Array]:
    both = [LENGTH] * columns + [SIGNAL, NOISE]
    return np.array([mean for mean, _ in both]), np.array([deviation for _, deviation in both])


def _bounds(columns: int) -> tuple[Array, Array]:
    both = [_LENGTHS] * columns + [_SIGNALS, _NOISES]
    return np.array([low for low, _ in both]), np.array([high for _, high in both])


def _placed(rows: Array, choices: Counts, parameters: Array) -> Array:
    """Return rows where their distances are the kernel's, √5 included: a choice is a corner of a simplex."""
    scales = _ROOT5 * np.exp(-parameters[:-2])
    numbers = choices == 0
    parts = [rows[:, numbers] * scales[numbers]]
    parts.extend(
        (rows[:, column, None] == np.arange(choices[column])) * (scales[column] / _ROOT2)
        for column in np.flatnonzero(~numbers)
    )
    return np.concatenate(parts, axis=1)


def _opposite(places: Array) -> Array:
    """Return what the places of others are multiplied with for the squared distances."""
    squares = np.einsum("ij,ij->i", places, places)
    return np.concatenate([-2.0 * places, np.ones((len(places), 1)), squares[:, None]], axis=1).T


def _alike(places: Array, opposite: Array, parameters: Array) -> Array:
    """Return the covariance of the function at two sets of places."""
    squares = np.einsum("ij,ij->i", places, places)
    here = np.concatenate([places, squares[:, None], np.ones((len(places), 1))], axis=1)
    scaled = product(here, opposite)
    np.maximum(scaled, 0.0, out=scaled)
    np.sqrt(scaled, out=scaled)
    signal = math.exp(parameters[-2])
    found = scaled * (signal / 3.0)
    found += signal
    found *= scaled
    found += signal
    np.negative(scaled, out=scaled)
    found *= np.exp(scaled, out=scaled)
    return found
