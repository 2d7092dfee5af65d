"""Hyperparameter tuning that lives in the notebook."""

from __future__ import annotations

from astraml_lab._version import __version__

__all__ = ["__version__"]
