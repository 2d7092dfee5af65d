"""The logarithm of the expected improvement, exact where the improvement itself is too small for a float.

After Ament et al., Unexpected Improvements to Expected Improvement, NeurIPS 2023 (arXiv 2310.20708).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import erfcx, ndtr

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_NEAR, _FAR = -1.0, -300.0
_LOG_DENSITY = -0.5 * math.log(2.0 * math.pi)
_MILLS = math.sqrt(math.pi / 2.0)


def log_improvement(means: Array, deviations: Array, best: float) -> Array:
    """Return log E[max(best - f, 0)] of normally distributed f, smaller being better."""
    gaps = (best - means) / deviations
    return _standard(gaps) + np.log(deviations)


def _standard(gaps: Array) -> Array:
    """Return log(density(z) + z * probability(z))."""
    found = np.empty_like(gaps)
    near, far = gaps > _NEAR, gaps < _FAR
    z = gaps[near]
    found[near] = np.log(np.exp(_LOG_DENSITY - 0.5 * z * z) + z * ndtr(z))
    z = gaps[~near & ~far]
    # probability / density is Mills' ratio, without underflow
    found[~near & ~far] = np.log1p(z * _MILLS * erfcx(-z / math.sqrt(2.0))) + _LOG_DENSITY - 0.5 * z * z
    z = gaps[far]
    # 1 + z * Mills cancels out here: its asymptotic series
    u = 1.0 / (z * z)
    found[far] = np.log(u) + np.log1p(u * (-3.0 + 15.0 * u)) + _LOG_DENSITY - 0.5 * z * z
    return found
