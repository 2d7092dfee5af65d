"""Points of a scrambled Sobol sequence, one at a time and in any order.

The same as those of scipy's `qmc.Sobol`, which bring a second of imports to the first trial. Direction
numbers after Joe & Kuo, Constructing Sobol sequences with better two-dimensional projections, 2008;
scrambling by linear matrices and a digital shift after Matoušek, On the L2-discrepancy for anchored boxes,
1998.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Bits = NDArray[np.int64]

_BITS = 30
_DIRECTIONS = (
    (3, (1,)),
    (7, (1, 3)),
    (11, (1, 3, 1)),
    (13, (1, 1, 1)),
    (19, (1, 1, 3, 3)),
    (25, (1, 3, 5, 13)),
    (37, (1, 1, 5, 5, 17)),
    (41, (1, 1, 5, 5, 5)),
    (47, (1, 1, 7, 11, 19)),
    (55, (1, 1, 5, 1, 1)),
    (59, (1, 1, 1, 3, 11)),
    (61, (1, 3, 5, 5, 31)),
    (67, (1, 3, 3, 9, 7, 49)),
    (91, (1, 1, 1, 15, 21, 21)),
    (97, (1, 3, 1, 13, 27, 49)),
    (103, (1, 1, 1, 15, 7, 5)),
    (109, (1, 3, 1, 15, 13, 25)),
    (115, (1, 1, 5, 5, 19, 61)),
    (131, (1, 3, 7, 11, 23, 15, 103)),
    (137, (1, 3, 7, 13, 13, 15, 69)),
    (143, (1, 1, 3, 13, 7, 35, 63)),
    (145, (1, 3, 5, 9, 1, 25, 53)),
    (157, (1, 3, 1, 13, 9, 35, 107)),
    (167, (1, 3, 1, 5, 27, 61, 31)),
    (171, (1, 1, 5, 11, 19, 41, 61)),
    (185, (1, 3, 5, 3, 3, 13, 69)),
    (191, (1, 1, 7, 13, 1, 19, 1)),
    (193, (1, 3, 7, 5, 13, 19, 59)),
    (203, (1, 1, 3, 9, 25, 29, 41)),
)
"""From the second column on: a primitive polynomial's coefficients as bits, and the first numbers."""
MOST = len(_DIRECTIONS) + 1
"""Columns beyond these are drawn by chance: a few points cannot cover more of them evenly anyway."""


def sobol_point(columns: int, seed: int, index: int) -> Array:
    """Return a point of the unit cube, shape (d,).

    Args:
        columns: How many.
        seed: The sequence's.
        index: The point's, from 0.
    """
    generators, shift = _sequence(min(columns, MOST), seed)
    gray = index ^ (index >> 1)
    used = [place for place in range(_BITS) if gray >> place & 1]
    bits = (shift + generators[:, :, used].sum(axis=2)) % 2
    found: Array = bits @ 0.5 ** np.arange(1, _BITS + 1)
    if columns > MOST:
        found = np.concatenate([found, np.random.default_rng([seed, index]).random(columns - MOST)])
    return found


@functools.lru_cache(maxsize=16)
def _sequence(columns: int, seed: int) -> tuple[Bits, Bits]:
    """Return scrambled numbers, by column, binary place and number (d, b, b), and the shift (d, b)."""
    random = np.random.default_rng(seed).spawn(1)[0]
    shift = random.integers(2, size=(columns, _BITS), dtype=np.uint32)[:, ::-1]
    scrambling = np.tril(random.integers(2, size=(columns, _BITS, _BITS), dtype=np.uint32))
    scrambling[:, np.arange(_BITS), np.arange(_BITS)] = 1
    places = np.arange(_BITS - 1, -1, -1)
    numbers = np.array([_numbers(column) for column in range(columns)])
    plain = numbers[:, None, :] >> places[:, None] & 1
    return scrambling.astype(int) @ plain % 2, shift.astype(int)


def _numbers(column: int) -> list[int]:
    """Return the direction numbers of a column, as whole numbers of `_BITS` bits."""
    if column == 0:
        return [1 << _BITS - 1 - at for at in range(_BITS)]
    polynomial, first = _DIRECTIONS[column - 1]
    degree, found = len(first), list(first)
    for at in range(degree, _BITS):
        new = found[at - degree]
        for back in range(1, degree + 1):
            if polynomial >> degree - back & 1:
                new ^= found[at - back] << back
        found.append(new)
    return [number << _BITS - 1 - at for at, number in enumerate(found)]
