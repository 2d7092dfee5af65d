"""When the parameters of a model are fitted, and to what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astraml_lab.search.auto.history import Fitted
from astraml_lab.search.auto.surrogate import fit, start

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from astraml_lab.search.auto.outcomes import Targets

    Array = NDArray[np.float64]
    Counts = NDArray[np.int64]

MOST_ROWS = 160
"""A model is given so many trials, the better half of them the best: a proposal's time grows no more."""
_GROWN = 1.05
"""The parameters are fitted anew where there are so many times the trials of the last fit."""


def fitted(rows: Array, known: Targets, choices: Counts, last: Fitted | None, trials: int) -> Fitted:
    """Return the parameters, fitted anew where enough is new."""
    if last is None or len(last.parameters) != rows.shape[1] + 2:
        last = Fitted(start(rows.shape[1]), 0)
    if trials < _GROWN * last.trials:
        return last
    return Fitted(fit(rows, known.values, known.variances, choices, last.parameters), trials)
