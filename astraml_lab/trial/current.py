"""Which trial the calling code belongs to: a context variable, inherited by the trial's own threads."""

from __future__ import annotations

import contextlib
import contextvars
from pathlib import Path
from typing import TYPE_CHECKING

from astraml_lab.errors import NotInTrial
from astraml_lab.trial.by_hand import NOT_IN_TRIAL, ByHand, is_by_hand
from astraml_lab.trial.outside import FileChannel, reports_go_to
from astraml_lab.trial.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from astraml_lab.trial.channel import Channel

_current: contextvars.ContextVar[Trial | None] = contextvars.ContextVar("astraml_trial", default=None)


def current_trial() -> Trial:
    """Return the trial whose code is calling.

    Raises:
        NotInTrial: No trial is running here.
    """
    trial = running_trial()
    if trial is None:
        raise NotInTrial(NOT_IN_TRIAL)
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
    In a notebook or script that a person runs by hand they are printed, and nothing else.

    Raises:
        NotInTrial: No trial is running here, and this is a thread or a worker process.
        TrialPruned: The pruner gave the trial up.
        TrialStopped: Somebody or some limit ended it.
        TypeError: A value is no number.
    """
    trial = running_trial()
    if trial is None:
        file = reports_go_to()
        if file is None and not is_by_hand():
            raise NotInTrial(NOT_IN_TRIAL)
        channel: Channel = ByHand() if file is None else FileChannel(file)
        trial = Trial(0, {}, channel, checkpoint_dir=Path() if file is None else file.parent)
    trial.report(metrics, *misplaced, step=step, **named)


@contextlib.contextmanager
def entered(trial: Trial) -> Iterator[Trial]:
    """Make `trial` the current one of this context."""
    token = _current.set(trial)
    try:
        yield trial
    finally:
        _current.reset(token)
