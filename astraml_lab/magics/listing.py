"""Trials as lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astraml_lab.spec import format_number, params_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astraml_lab.spec import Objective, TrialView


def trial_line(view: TrialView, objectives: Sequence[Objective]) -> str:
    """Return a trial's values and parameters in one line."""
    values = zip(objectives, view.values or (), strict=False)
    said = ", ".join(f"{objective.metric} {format_number(value)}" for objective, value in values)
    return f"trial {view.number}: {said} with {params_words(view.params)}"
