"""Random search whose trials do not depend on one another, however many run at once and whenever they end."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from optuna.samplers import RandomSampler

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial


class _Source(NamedTuple):
    """Stands where Optuna keeps its generator."""

    rng: np.random.RandomState


class RandomDraws(RandomSampler):
    """Draws each parameter of a trial from a generator of its own: of the seed, the number and the name.

    That is `SeedSequence([seed, number])`, with a child for each name: trial n is the same point at any
    parallelism, after a resume, and whatever else its code asks for on the way.

    Args:
        seed: The search's seed.
        offset: The trials of elsewhere that stand before the job's own in the study.
    """

    def __init__(self, seed: int, offset: int = 0) -> None:
        super().__init__(seed=seed)
        self._seed = seed
        self._offset = offset

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Draw one value."""
        number = trial.number - self._offset
        source = np.random.SeedSequence(
            [self._seed, number], spawn_key=(zlib.crc32(param_name.encode("utf-8", "surrogatepass")),)
        )
        # Optuna's own way to draw, from another source: a RandomSampler each would cost ten times as much
        self._rng = _Source(np.random.RandomState(np.random.PCG64(source)))  # type: ignore[assignment]  # all that is read of it
        return super().sample_independent(study, trial, param_name, param_distribution)
