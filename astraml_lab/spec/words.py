"""Numbers, texts and trials in words: one spelling wherever people read them.

`widgets/src/format.js` spells numbers the same way; both are tested against one table.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeGuard

from astraml_lab.spec.duration import format_duration
from astraml_lab.spec.state import FailureKind, TrialState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from astraml_lab.spec.dimensions import ParamValue
    from astraml_lab.spec.job import Objective
    from astraml_lab.spec.views import TrialView

_WHOLE = 1e10
"""Whole numbers below it are spelled in full: a seed of 32 bits is among them."""
_LARGE = 1e5
_SMALL = 1e-3


def format_number(value: float, digits: int = 4) -> str:
    """Spell a number with so many significant digits; a whole number in full."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("∞" if value > 0 else "-∞")
    size = abs(value)
    if value == int(value) and size < _WHOLE:
        return str(int(value))
    if not _SMALL <= size < _LARGE:
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        return f"{_trimmed(mantissa)}e{int(exponent)}"
    return _trimmed(f"{value:.{max(0, digits - 1 - math.floor(math.log10(size)))}f}")


def value_words(value: object) -> str:
    """Spell a parameter's value: a number short, anything else as it is."""
    return format_number(value) if is_number(value) else str(value)


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a parameter's value is a number; a switch is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def params_words(params: Mapping[str, ParamValue]) -> str:
    """Spell the active parameters: `lr=0.003124, width=128`."""
    return ", ".join(f"{name}={value_words(value)}" for name, value in params.items() if value is not None)


def state_words(trial: TrialView, *, stale: bool = False) -> str:
    """Name the state of a trial, with the kind of a failure; an impossible point is none.

    Args:
        trial: The trial.
        stale: Whether nobody runs the job: what ran has been cut off.
    """
    if stale and trial.state is TrialState.RUNNING:
        return "cut off"
    if trial.kind is FailureKind.INFEASIBLE:
        return trial.kind.value
    kind = f" ({trial.kind.value.replace('_', ' ')})" if trial.kind is not None else ""
    return trial.state.value.lower() + kind


def trial_words(trial: TrialView, objectives: Sequence[Objective], *, stale: bool = False) -> str:
    """Say a trial in one line: `trial 7 complete · accuracy 0.981 · lr=0.003124 · 12 s`."""
    finals = zip((objective.metric for objective in objectives), trial.values or (), strict=False)
    named = [objective.metric for objective in objectives if objective.metric in trial.metrics]
    metrics = {name: trial.metrics[name] for name in named} | trial.metrics | dict(finals)
    parts = [
        f"trial {trial.number} {state_words(trial, stale=stale)}",
        ", ".join(f"{name} {format_number(value)}" for name, value in metrics.items()),
        params_words(trial.params),
        "" if trial.ended_at is None else format_duration(trial.runtime(trial.ended_at)),
        trial.reason,
    ]
    return " · ".join(part for part in parts if part)


def quoted(text: str) -> str:
    """Spell a text as Python source: in double quotes, where that is possible."""
    return f'"{text}"' if text.isprintable() and not {'"', "\\"} & {*text} else repr(text)


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text
