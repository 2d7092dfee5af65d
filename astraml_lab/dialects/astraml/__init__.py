"""Requests of the AstraML hyperparameter tuning service, version 2.1."""

from __future__ import annotations

from astraml_lab.dialects.astraml.policy import Policy, read_policy
from astraml_lab.dialects.astraml.problem import MEDIA_TYPE, Mistake, ProblemError
from astraml_lab.dialects.astraml.reading import read
from astraml_lab.dialects.astraml.versions import migrate
from astraml_lab.dialects.astraml.writing import write

__all__ = ["MEDIA_TYPE", "Mistake", "Policy", "ProblemError", "migrate", "read", "read_policy", "write"]
