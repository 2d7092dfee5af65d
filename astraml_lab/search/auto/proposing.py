"""One proposal of the Gaussian process: the row that promises most, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

from astraml_lab.search.auto.climbing import Ground, climb
from astraml_lab.search.auto.design import among
from astraml_lab.search.auto.failures import failing
from astraml_lab.search.auto.fitting import MOST_ROWS, fitted
from astraml_lab.search.auto.improvement import log_improvement
from astraml_lab.search.auto.outcomes import targets
from astraml_lab.search.auto.surrogate import Surrogate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from astraml_lab.search.auto.encoding import Encoding
    from astraml_lab.search.auto.history import Fitted, Last, Seen
    from astraml_lab.search.auto.outcomes import Targets

    Array = NDArray[np.float64]
    Counts = NDArray[np.int64]

_LOOKS = 0.5
"""With one objective half of the rows find as good points (regret after 100 trials .0030, with all .0033)."""


@dataclass(frozen=True)
class Pick:
    """A row to try next.

    Attributes:
        row: Shape (d,).
        fitted: The model, from which the next one begins.
        gain: Whether the model expects an improvement, rather than an insight.
        mean: What it expects, in the terms of `Outcome.value`.
        deviation: How uncertain that is.
        chance: Of beating what it takes the best to be.
        failing: The model of where trials fail, if any did.
        works: How likely it does not fail; `None` where no trial failed.
    """

    row: Array
    fitted: Fitted
    gain: bool
    mean: float
    deviation: float
    chance: float
    failing: Fitted | None = None
    works: float | None = None


def propose(
    encoding: Encoding,
    seen: Seen,
    fixed: Array,
    last: Last,
    random: np.random.Generator,
) -> Pick | None:
    """Return the next row, or `None` where there is too little to learn from.

    Args:
        encoding: The columns.
        seen: What is known.
        fixed: The values that are set, NaN where a column is free, shape (d,).
        last: The last fits.
        random: The source of all chance.
    """
    worked = seen.without_failed()
    known = targets(worked.outcomes, flat=len(worked.rows) < len(seen.rows))
    if known is None:
        return None
    rows, known = _useful(worked.rows, known, random)
    prior = seen.prior.beside(len(rows))
    every, told = prior.joined(rows, known)
    choices = prior.choices(encoding.choices)
    its = fitted(every, told, choices, last.first, len(seen.outcomes))
    model = Surrogate.given(every, told.values, told.variances, choices, its.parameters)
    ground = Ground(encoding, fixed)
    fails = failing(seen.rows, seen.failed, encoding.choices, last.failing)
    model = believing(model, told, prior.here(seen.running))
    # The lowest that is believed, not the lowest that was seen: that one may have been lucky. Of the running
    # ones too: what they will gain is gained once. Where values are set, the lowest with these.
    here = ground.settled(np.concatenate([rows, seen.running]))
    best = float(model.believes(prior.here(seen.conditions.quieted(here)))[0].min())

    def promise(candidates: Array) -> Array:
        there = seen.conditions.quieted(candidates)
        return log_improvement(*model.believes(prior.here(there)), best) + fails.log_weight(there)

    observed = rows[np.argsort(known.values, kind="stable")]
    found = climb(ground, promise, prior.promising(observed), random, share=_LOOKS)
    tried = np.concatenate([seen.rows, seen.running])
    quiet = seen.conditions.quieted(found)
    at = next((at for at, row in enumerate(quiet) if not among(tried, row)), 0)
    mean, deviation = (float(each[0]) for each in model.believes(prior.here(quiet[at : at + 1])))
    return Pick(
        found[at],
        its,
        gain=mean < best,
        mean=mean * known.scale + known.middle,
        deviation=deviation * known.scale,
        chance=float(ndtr((best - mean) / deviation)),
        failing=fails.fitted,
        works=fails.works(quiet[at]),
    )


def _useful(rows: Array, known: Targets, random: np.random.Generator) -> tuple[Array, Targets]:
    """Return at most `MOST_ROWS` of what is known: the best, and some of the others."""
    if len(rows) <= MOST_ROWS:
        return rows, known
    order = np.argsort(known.values, kind="stable")
    best = MOST_ROWS // 2
    others = random.choice(order[best:], MOST_ROWS - best, replace=False)
    kept = np.sort(np.concatenate([order[:best], others]))
    return rows[kept], known.at(kept)


def believing(model: Surrogate, known: Targets, running: Array) -> Surrogate:
    """Return the model as it were if each running trial ended as expected.

    Ginsbourger, Le Riche & Carraro's "kriging believer" (Kriging is well-suited to parallelize optimization,
    2010): nothing is gained a second time where somebody already is.
    """
    if not len(running):
        return model
    believed, _ = model.believes(running)
    return Surrogate.given(
        np.concatenate([model.rows, running]),
        np.concatenate([known.values, believed]),
        np.concatenate([known.variances, np.zeros(len(running))]),
        model.choices,
        model.parameters,
    )
