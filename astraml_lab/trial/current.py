"""Which trial the calling code belongs to: a context variable, inherited by the trial's own threads."""

from __future__ import annotations

import contextlib
import contextvars
from typing import TYPE_CHECKING

from astraml_lab.errors import NotInTrial
from astraml_lab.trial.outside import FileChannel, reports_go_to
from astraml_lab.trial.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

_current: contextvars.ContextVar[Trial | None] = contextvars.ContextVar("astraml_trial", default=None)


def current_trial() -> Trial:
    """Return the trial whose code is calling.

    Raises:
        NotInTrial: No trial is running here.
    """
    trial = running_trial()
    if trial is None:
        raise NotInTrial(
            "`report`, `current_trial` and `AstraCallback` work inside a trial only: run the cell with "
            "%%tune on top, or hand the function to astraml_lab.tune(...)."
        )
    return trial


def running_trial() -> Trial | None:
    """Return the trial whose code is calling; None outside of one, and in a script that a trial started."""
    return _current.get()


def report(
    metrics: Mapping[str, Any] | None = None,
    /,
    *misplaced: object,
    step: int | None = None,
    **named: Any,
) -> None:
    """Report metrics of the current trial; see `Trial.report`.

    In a script that a trial has started, the trial takes them from there and ends the script by a signal.

    Raises:
        NotInTrial: No trial is running here.
        TrialPruned: The pruner gave the trial up.
        TrialStopped: Somebody or some limit ended it.
        TypeError: A value is no number.
    """
    file = reports_go_to() if _current.get() is None else None
    trial = current_trial() if file is None else Trial(0, {}, FileChannel(file), checkpoint_dir=file.parent)
    trial.report(metrics, *misplaced, step=step, **named)


@contextlib.contextmanager
def entered(trial: Trial) -> Iterator[Trial]:
    """Make `trial` the current one of this context."""
    token = _current.set(trial)
    try:
        yield trial
    finally:
        _current.reset(token)
