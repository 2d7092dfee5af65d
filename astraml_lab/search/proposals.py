"""What passes between the runner and the search: frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astraml_lab.spec import ParamValue, TrialState


@dataclass(frozen=True, slots=True)
class Proposal:
    """One point to try."""

    number: int
    """Counts from 0 within the study."""
    params: dict[str, ParamValue]
    """Every name of the space, as written; an inactive one is `None`. Labels, not the objects behind them."""
    seed: int
    """32 bits, a function of the study's seed and the number."""
    active: frozenset[str] = frozenset()
    """The names that play a part: tells an inactive `None` from the choice `None`."""


@dataclass(frozen=True, slots=True)
class Told:
    """How a trial ended."""

    state: TrialState
    values: tuple[float, ...] | None = None
    """One per objective; needed when it is COMPLETE."""
    curve: Sequence[tuple[float, float]] = ()
    """Steps and values of the objective, in the order of the steps; unused with several objectives."""
