"""Which trials get a line in a chart, and what of it travels next."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from astraml_lab.ui.traces import Band, Columns, curve_columns, window_columns

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

    from astraml_lab.jobs.reader import JobReader
    from astraml_lab.spec import JobView, TrialView
    from astraml_lab.ui.audience import Want

LINES = 40
_BEST = 5
_SETTLED = 3.0
_FOLDS = 25
"""Curves that one frame adds to a band: a job with thousands of trials fills in over some seconds."""


def chosen(view: JobView, recent: Iterable[int], selected: Iterable[int], limit: int = LINES) -> list[int]:
    """Return the trials that get a line: the selected, the best, the running, then the latest."""
    wished = (*selected, *view.best[:_BEST], *view.running, *recent)
    return list(dict.fromkeys(wished))[:limit]


@dataclass(frozen=True, slots=True)
class Source:
    """Where lines are read from, at one moment."""

    reader: JobReader
    trials: dict[int, TrialView]
    origin: float
    """What moments are counted from."""
    now: float

    def settled(self, trial: TrialView) -> bool:
        """Whether the trial's curves will not change any more: its last points may reach the store later."""
        return trial.state.ended and self.now - (trial.ended_at or 0.0) > _SETTLED


@dataclass(slots=True)
class _Sent:
    columns: Columns | None
    revision: int
    final: bool


@dataclass(slots=True)
class Lines:
    """The lines of one metric on one axis, as the views have them."""

    want: Want
    _sent: dict[int, _Sent] = field(default_factory=dict)
    _numbers: list[int] = field(default_factory=list)
    _band: Band = field(default_factory=Band)
    _band_sent: int = 0
    _fold: deque[int] = field(default_factory=deque)
    _folded: set[int] = field(default_factory=set)

    def forget_sent(self) -> None:
        """Send everything again: a view has come that has nothing."""
        self._sent.clear()
        self._numbers = []
        self._band_sent = 0

    def drop(self, number: int) -> None:
        """Read a trial again that had ended: it runs once more."""
        self._sent.pop(number, None)

    @property
    def folding(self) -> bool:
        """Whether curves wait to be added to the band."""
        return bool(self._fold)

    def changes(self, source: Source, numbers: list[int]) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Return what the views lack, as a part of the head and its blocks; empty where nothing changed."""
        head: dict[str, Any] = {}
        blocks: list[np.ndarray] = []
        if numbers != self._numbers:
            self._retire(source.trials, set(numbers))
            self._numbers = numbers
            head["show"] = numbers
        lines = [line for number in numbers if (line := self._line(source, number, blocks))]
        if lines:
            head["lines"] = lines
        if self.want.axis == "step":
            self._fold_some(source.reader)
            if self._band.revision != self._band_sent:
                columns = self._band.columns()
                head["band"] = {"p": columns.data.shape[1], "trials": self._band.trials}
                blocks.append(columns.data.ravel())
                self._band_sent = self._band.revision
        if head:
            head |= {"m": self.want.metric, "a": self.want.axis}
        return head, blocks

    def _line(self, source: Source, number: int, blocks: list[np.ndarray]) -> dict[str, Any] | None:
        before = self._sent.get(number)
        trial = source.trials.get(number)
        if trial is None or (before is not None and before.final):
            return None
        had = None if before is None else before.columns
        revision, columns = self._read(source, number, before)
        self._sent[number] = _Sent(columns or had, revision, final=source.settled(trial))
        if columns is None:
            return None
        kept = columns.kept_of(had) if had is not None else 0
        if had is not None and kept == columns.data.shape[1] == had.data.shape[1]:
            return None
        fresh = columns.data[:, kept:]
        blocks.append(fresh.ravel())
        line = {"n": number, "k": kept, "p": fresh.shape[1], "c": len(fresh)}
        return line | ({"x0": columns.origin} if columns.origin else {})

    def _read(self, source: Source, number: int, before: _Sent | None) -> tuple[int, Columns | None]:
        if self.want.axis == "time":
            windows = source.reader.windows(number, self.want.metric)
            return 0, None if windows is None else window_columns(windows, source.origin)
        curve = source.reader.curve(number, self.want.metric)
        if curve is None:
            return 0, None
        if before is not None and before.columns is not None and before.revision == curve.revision:
            return curve.revision, before.columns
        return curve.revision, curve_columns(curve)

    def _retire(self, trials: dict[int, TrialView], numbers: set[int]) -> None:
        for number in set(self._sent) - numbers:
            del self._sent[number]
        if self.want.axis == "step":
            others = [
                number
                for number, trial in trials.items()
                if trial.state.ended and number not in numbers and number not in self._folded
            ]
            self._folded.update(others)
            self._fold.extend(sorted(others, reverse=True))

    def _fold_some(self, reader: JobReader) -> None:
        for _ in range(min(_FOLDS, len(self._fold))):
            curve = reader.curve(self._fold.popleft(), self.want.metric)
            if curve is not None:
                self._band.fold(curve.steps, curve.values)
