"""Requests of tuning services, read as data: nothing is evaluated, no cloud is called."""

from __future__ import annotations

from astraml_lab.dialects.translation import Surroundings, Translation

__all__ = ["Surroundings", "Translation"]
