"""Finding the row that promises most, by mutation and selection.

Without gradients, as Google Vizier does it (Song et al. 2024, arXiv 2408.11527): nothing has to be relaxed or
rounded, so steps and choices are searched as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from astraml_lab.search.auto.encoding import Encoding

    Array = NDArray[np.float64]

_ANYWHERE = 384
_AROUND = ((6, 128, 0.15), (2, 64, 0.03))
"""Of the best observed: how many are parents, their children, how far these stray."""
_GENERATIONS = 3
_PARENTS, _CHILDREN = 12, 16
_STRAY, _CALMING = 0.1, 0.4
_CHANGES = 1.5
"""How many columns a child changes, on average."""
_AT_LEAST = 0.25


@dataclass(frozen=True)
class Ground:
    """Where is searched.

    Attributes:
        encoding: The columns.
        fixed: The values that are set, NaN where a column is free, shape (d,).
    """

    encoding: Encoding
    fixed: Array

    def settled(self, rows: Array) -> Array:
        """Return rows of values that exist, with what is fixed."""
        return np.where(np.isnan(self.fixed), self.encoding.snapped(rows), self.fixed)

    def anywhere(self, count: int, random: np.random.Generator) -> Array:
        """Return rows drawn evenly."""
        return self.settled(self.encoding.spread(random.random((count, len(self.fixed)))))

    def mutated(self, rows: Array, stray: float, random: np.random.Generator) -> Array:
        """Return a child of each row: a few numbers moved, a step taken, a choice drawn anew."""
        shape, columns = rows.shape, rows.shape[1]
        changes = random.random(shape) < max(_AT_LEAST, _CHANGES / columns)
        changes[np.arange(len(rows)), random.integers(columns, size=len(rows))] = True
        far = stray * np.exp(0.8 * random.standard_normal((len(rows), 1)))
        moved = rows + far * random.standard_normal(shape)
        moves = np.maximum(self.encoding.moves, 1)
        # Less than half a step would come to nothing
        neighbours = rows + random.choice([-1.0, 1.0], size=shape) / moves
        by_step = (self.encoding.moves > 0) & (far * moves < 1.0)
        numbers = np.clip(np.where(by_step, neighbours, moved), 0.0, 1.0)
        choices = np.floor(random.random(shape) * moves)
        children = np.where(self.encoding.categorical, choices, numbers)
        return self.settled(np.where(changes, children, rows))


def climb(
    ground: Ground,
    promise: Callable[[Array], Array],
    observed: Array,
    random: np.random.Generator,
    *,
    share: float = 1.0,
) -> Array:
    """Return all rows that were looked at by what they promise, the most first.

    Args:
        ground: Where.
        promise: What is searched for the highest of.
        observed: Rows that were tried, the best first, shape (n, d).
        random: The source of all chance.
        share: How many rows are looked at, of those that are where a proposal may take its time.
    """
    rows = [ground.anywhere(round(share * _ANYWHERE), random)]
    for parents, children, stray in _AROUND:
        chosen = observed[random.integers(min(parents, len(observed)), size=round(share * children))]
        rows.append(ground.mutated(chosen, stray, random))
    found = np.concatenate(rows)
    promised = promise(found)
    stray = _STRAY
    for _ in range(_GENERATIONS):
        top = np.argsort(-promised, kind="stable")[:_PARENTS]
        young = ground.mutated(np.repeat(found[top], round(share * _CHILDREN), axis=0), stray, random)
        found = np.concatenate([found, young])
        promised = np.concatenate([promised, promise(young)])
        stray *= _CALMING
    return found[np.argsort(-promised, kind="stable")]
