"""Where trials fail: a Gaussian process on whether they did.

The noise of that model tells failures of a region, such as memory that runs out, from those of a moment:
these change nothing of what is expected where others went well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import log_ndtr

from astraml_lab.search.auto.fitting import MOST_ROWS, fitted
from astraml_lab.search.auto.outcomes import Targets
from astraml_lab.search.auto.surrogate import Surrogate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from astraml_lab.search.auto.history import Fitted

    Array = NDArray[np.float64]
    Counts = NDArray[np.int64]
    Mask = NDArray[np.bool_]

_CAUTION = 5.0
"""A point counts with this power of the chance that it works; with 1, half of the points at a cliff fail."""


@dataclass(frozen=True)
class Failing:
    """Where trials fail.

    Attributes:
        model: `None` where no trial failed, or all did.
        limit: Where failing and working are equally likely, in terms of the model.
        fitted: The parameters, from which the next one begins.
    """

    model: Surrogate | None = None
    limit: float = 0.0
    fitted: Fitted | None = None

    def log_weight(self, rows: Array) -> Array:
        """Return what rows (m, d) lose of their promise, as a logarithm, for how likely they fail."""
        return np.zeros(len(rows)) if self.model is None else _CAUTION * self._log_chance(self.model, rows)

    def works(self, row: Array) -> float | None:
        """Return how likely a row (d,) does not fail."""
        return None if self.model is None else math.exp(float(self._log_chance(self.model, row[None])[0]))

    def _log_chance(self, model: Surrogate, rows: Array) -> Array:
        means, deviations = model.believes(rows)
        # With the noise: where most fail by chance, being uncertain would count as working
        spread = np.sqrt(deviations**2 + math.exp(model.parameters[-1]))
        return np.asarray(log_ndtr((self.limit - means) / spread))


def failing(rows: Array, failed: Mask, choices: Counts, last: Fitted | None) -> Failing:
    """Return where trials fail, as far as that depends on where they are.

    Args:
        rows: Of the trials that ended, shape (n, d).
        failed: Which of them did, shape (n,).
        choices: How many choices a column has, as in `Encoding`.
        last: The last fit, if there is one.
    """
    order = np.concatenate([np.flatnonzero(failed)[-MOST_ROWS // 2 :], np.flatnonzero(~failed)[::-1]])
    order = order[:MOST_ROWS]
    signs = np.where(failed[order], 1.0, -1.0)
    middle, spread = float(signs.mean()), float(signs.std())
    if not spread > 0.0:
        return Failing()
    known = Targets((signs - middle) / spread, np.zeros(len(signs)), middle, spread)
    its = fitted(rows[order], known, choices, last, len(rows))
    model = Surrogate.given(rows[order], known.values, known.variances, choices, its.parameters)
    return Failing(model, -middle / spread, its)
