"""Values of one dimension as the search would draw them before it has learned anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import optuna

from astraml_lab.search.boundary import optuna_boundary, quiet
from astraml_lab.search.distributions import coding_of

if TYPE_CHECKING:
    from astraml_lab.spec import AnyDimension, ParamValue


def draws(dimension: AnyDimension, count: int, seed: int) -> list[ParamValue]:
    """Return so many values, the same for the same seed; its condition is taken as met.

    Raises:
        InvalidSpec: Its range is more than any sampler can resolve.
    """
    coding = coding_of("value", dimension)
    with optuna_boundary, quiet():
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
        return [coding.from_internal(coding.sample(study.ask())) for _ in range(count)]
