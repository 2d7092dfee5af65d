"""Where a search begins, before there is anything to learn from.

At the best that is known of elsewhere, at the centre, then evenly over the space.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from astraml_lab.search.auto.sobol import sobol_point

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from astraml_lab.search.auto.encoding import Encoding
    from astraml_lab.search.auto.prior import Prior

    Array = NDArray[np.float64]

_MOST = 8
_MORE_THAN_COLUMNS = 3
_AGREEING = 2
_LATER, _AHEAD = 8, 64
_SAME = 1e-9


def size(columns: int, *, agrees: bool = False) -> int:
    """Return how many trials are placed before the model places them, but for the best of elsewhere.

    Args:
        columns: Of the space.
        agrees: Whether something is known of elsewhere that these trials agree with.
    """
    return _AGREEING if agrees else min(_MOST, columns + _MORE_THAN_COLUMNS)


def best_of(prior: Prior, tried: Array) -> tuple[str, Array] | None:
    """Return the name of the source, the latest first, whose best was not tried yet, and that best."""
    for source in prior.first:
        if source.best is not None and not among(tried, source.best):
            return source.name, source.best
    return None


def centre(encoding: Encoding, random: np.random.Generator) -> Array:
    """Return the middle of every number, with a choice drawn for every other column."""
    drawn = random.random(len(encoding.names))
    found: Array = encoding.spread(np.where(encoding.categorical, drawn, 0.5)[None])[0]
    return found


def sobol(encoding: Encoding, seed: int, number: int, tried: Array) -> Array:
    """Return one point of a scrambled Sobol sequence (Owen 1998), the same for the same arguments.

    Args:
        encoding: The columns.
        seed: The sequence's.
        number: The trial's, which is the point's.
        tried: Rows, shape (n, d): where few values make several points of the sequence the same, a later
            one is taken.
    """
    found: Array
    for late in range(_LATER):
        found = encoding.spread(sobol_point(len(encoding.names), seed, number + late * _AHEAD)[None])[0]
        if not among(tried, found):
            break
    return found


def among(rows: Array, row: Array) -> bool:
    """Whether a row is one of several, shape (n, d)."""
    return bool((np.abs(rows - row).max(axis=1, initial=0.0) < _SAME).any())
