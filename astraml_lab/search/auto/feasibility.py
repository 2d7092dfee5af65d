"""How likely a point keeps to the constraints: a Gaussian process on each constraint's value.

After Gardner et al., Bayesian optimization with inequality constraints (ICML 2014), and Gelbart et al.,
Bayesian optimization with unknown constraints (UAI 2014).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import log_ndtr

from astraml_lab.search.auto.outcomes import Targets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from astraml_lab.search.auto.surrogate import Surrogate

    Array = NDArray[np.float64]

_FEW = 2


def limit_targets(excesses: Array) -> tuple[Targets, float] | None:
    """Return what the model of one constraint is given and where its limit is then; `None` of a few values.

    Far from the limit it is drawn together, by a logarithm on either side: only near it do differences
    matter, and a constraint that is missed a thousandfold says no more than not to go there.

    Args:
        excesses: How far the constraint is missed, shape (n,).
    """
    known = np.isfinite(excesses)
    if known.sum() < _FEW:
        return None
    scale = float(np.median(np.abs(excesses[known]))) or float(np.abs(excesses[known]).max())
    if not scale > 0.0:
        return None
    far = np.where(known, excesses, np.sign(excesses) * np.abs(excesses[known]).max())
    drawn = np.sign(far) * np.log1p(np.abs(far) / scale)
    middle, spread = float(drawn.mean()), float(drawn.std())
    if not spread > 0.0:
        return None
    return Targets((drawn - middle) / spread, np.zeros(len(drawn)), middle, spread), -middle / spread


def log_chance(models: Sequence[tuple[Surrogate, float]], rows: Array) -> Array:
    """Return the logarithm of the probability that rows, shape (m, d), keep to all constraints.

    Args:
        models: Each constraint's, and where its limit is in it.
        rows: Where.
    """
    found = np.zeros(len(rows))
    for model, limit in models:
        means, deviations = model.believes(rows)
        found += log_ndtr((limit - means) / deviations)
    return found
