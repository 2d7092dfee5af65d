"""Small matrices without leaving the calling thread.

OpenBLAS divides a product among threads from 64 x 64 x 64 on, and its threads wait for each other: where the
cores are busy training, a matrix of 100 rows then takes ten times as long. So everything here stays below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg.lapack import dpotrf, dtrtri

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_ALONE = 64
_PRODUCT = _ALONE**3


class NotPositiveError(ValueError):
    """The matrix has no Cholesky factor."""


def product(left: Array, right: Array) -> Array:
    """Return left @ right, a few rows at a time."""
    rows = max(1, _PRODUCT // max(1, right.size))
    if len(left) <= rows:
        return left @ right
    found = np.empty((len(left), right.shape[1]))
    for first in range(0, len(left), rows):
        np.matmul(left[first : first + rows], right, out=found[first : first + rows])
    return found


def inverse_factor(matrix: Array) -> Array:
    """Return the inverse of the lower Cholesky factor of a symmetric matrix, half by half.

    Raises:
        NotPositiveError: There is none.
    """
    size = len(matrix)
    if size < _ALONE:
        factor, failed = dpotrf(matrix, lower=1)
        if failed:
            raise NotPositiveError
        return np.ascontiguousarray(dtrtri(factor, lower=1)[0])
    half = size // 2
    upper = inverse_factor(matrix[:half, :half])
    across = product(matrix[half:, :half], upper.T)
    lower = inverse_factor(matrix[half:, half:] - product(across, across.T))
    found = np.zeros_like(matrix)
    found[:half, :half] = upper
    found[half:, half:] = lower
    found[half:, :half] = -product(product(lower, across), upper)
    return found
