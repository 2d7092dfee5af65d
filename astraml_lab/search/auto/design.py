"""Where a search begins, before there is anything to learn from: the centre, then evenly over the space."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from astraml_lab.search.auto.encoding import Encoding

    Array = NDArray[np.float64]

_MOST = 8
_MORE_THAN_COLUMNS = 3
_LATER, _AHEAD = 8, 64
_SQUARES = 32
_SAME = 1e-9


def size(columns: int) -> int:
    """Return how many trials are placed before the model places them."""
    return min(_MOST, columns + _MORE_THAN_COLUMNS)


def centre(encoding: Encoding, random: np.random.Generator) -> Array:
    """Return the middle of every number, with a choice drawn for every other column."""
    drawn = random.random(len(encoding.names))
    found: Array = encoding.spread(np.where(encoding.categorical, drawn, 0.5)[None])[0]
    return found


def even(encoding: Encoding, seed: int, number: int, tried: Array) -> Array:
    """Return one point of a sequence that covers the space evenly, the same for the same arguments.

    It is made of Latin squares: of as many points as a search begins with, each has a part of each range to
    itself (McKay, Beckman & Conover 1979).

    Args:
        encoding: The columns.
        seed: The sequence's.
        number: The trial's, which is the point's.
        tried: Rows, shape (n, d): where few values make several points of the sequence the same, a later
            one is taken.
    """
    columns = len(encoding.names)
    found: Array
    for late in range(_LATER):
        square, at = divmod(max(number - 1, 0) + late * _AHEAD, size(columns) - 1)
        found = encoding.spread(_square(columns, seed, square)[None, at])[0]
        if not (np.abs(tried - found).max(axis=1, initial=0.0) < _SAME).any():
            break
    return found


@functools.lru_cache(maxsize=64)
def _square(columns: int, seed: int, index: int) -> Array:
    """Return the points of a Latin square, shape (n, d): of several, the one whose points are farthest apart.

    Without scipy's quasi-random sequences, whose import takes a second of the first trial's.
    """
    random = np.random.default_rng([seed, index, columns])
    points = size(columns) - 1
    shape = (_SQUARES, points, columns)
    parts = random.permuted(np.broadcast_to(np.arange(points)[:, None], shape), axis=1)
    squares = (parts + random.random(shape)) / points
    # The centre is tried before them
    whole = np.concatenate([squares, np.full((_SQUARES, 1, columns), 0.5)], axis=1)
    apart = ((whole[:, :, None] - whole[:, None]) ** 2).sum(axis=-1)
    apart[:, np.arange(points + 1), np.arange(points + 1)] = np.inf
    found: Array = squares[apart.min(axis=(1, 2)).argmax()]
    return found
