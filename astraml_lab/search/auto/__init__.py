"""The search of `--strategy auto`: a Gaussian process behind Optuna's seam for samplers.

encoding → outcomes → history → surrogate → improvement → climbing → proposing → several → sampler: each knows
only those before.
"""

from __future__ import annotations

from astraml_lab.search.auto.sampler import MOST_COLUMNS, MOST_OBJECTIVES, MOST_TRIALS, AutoSampler, why

__all__ = ["MOST_COLUMNS", "MOST_OBJECTIVES", "MOST_TRIALS", "AutoSampler", "why"]
