"""What passes between the search and its job: frozen data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from astraml_lab.spec import TrialState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from astraml_lab.spec import ParamValue

STOPPED = "stopped"
"""The trial's user attribute that tells a STOPPED trial from a FAILED one."""
WARM = "warm"
"""The user attribute of a trial from elsewhere: where it comes from."""


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
    constraints: Mapping[str, float] = field(default_factory=dict)
    """How far each constraint is missed, by a name for it; 0 or less where it is kept to."""
    rows: Sequence[Sequence[float]] = ()
    """Where there are several objectives: steps, in order, each with what all of them were by then."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A trial that ended, as the trials table has it."""

    params: Mapping[str, ParamValue]
    """By the user's names; an inactive one is `None`."""
    told: Told


@dataclass(frozen=True, slots=True)
class Past:
    """One finished trial of elsewhere, for a new search to start from."""

    params: Mapping[str, ParamValue]
    """By the user's names; a parameter that played no part is left out."""
    values: tuple[float, ...] | None = None
    """One per objective of the *new* search; needed when it is COMPLETE."""
    state: TrialState = TrialState.COMPLETE
    """COMPLETE or PRUNED."""
    curve: Sequence[tuple[float, float]] = ()
    """Steps and values of the first objective; needed when it is PRUNED."""
    source: str = ""
    """Where it comes from: `digits#1 trial 7`."""
    constraints: Mapping[str, float | None] = field(default_factory=dict)
    """How far each constraint of the new search is missed, as in `Told`; `None` where nobody knows."""


@dataclass(frozen=True, slots=True)
class Warmed:
    """How many trials of elsewhere a search started from."""

    taken: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    """How many were not taken, by reason, the most frequent first: `lr outside 1e-4 … 0.1`."""
