"""Which trials get a line in a chart, and what of it travels next."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from astraml_lab.ui.traces import Band, Columns, curve_columns, window_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    import numpy as np

    from astraml_lab.jobs.reader import JobReader
    from astraml_lab.spec import JobView, TrialView
    from astraml_lab.ui.audience import Want

LINES = 40
_BEST = 5
_SETTLED = 3.0
_FOLD_SECONDS = 0.002
"""How long one frame may read curves for a band: that of a large job fills in over a few frames."""
SAMPLE = 500
"""Trials whose range a band shows, of however many."""


def chosen(view: JobView, recent: Iterable[int], selected: Iterable[int], limit: int = LINES) -> list[int]:
    """Return the trials that get a line: the selected, the best, the running, then the latest."""
    wished = (*selected, *view.best[:_BEST], *view.running, *recent)
    return list(dict.fromkeys(wished))[:limit]


def sampled(numbers: Collection[int], of: int) -> list[int]:
    """Return those of some trials that stand for all `of`: spread evenly, and few enough for a band.

    While a job grows, a choice made earlier keeps its place among the later ones.
    """
    stride = 1
    while of > SAMPLE * stride:
        stride *= 2
    return [number for number in numbers if number % stride == 0]


@dataclass(frozen=True, slots=True)
class Source:
    """Where lines are read from, at one moment."""

    reader: JobReader
    trials: dict[int, TrialView]
    over: set[int]
    """The numbers of those that have ended."""
    origin: float
    """What moments are counted from."""
    now: float
    monotonic: Callable[[], float]

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
    _band_sent: tuple[int, int] = (0, 0)
    _others: int = 0
    _fold: deque[int] = field(default_factory=deque)
    _judged: set[int] = field(default_factory=set)

    def forget_sent(self) -> None:
        """Send everything again: a view has come that has nothing."""
        self._sent.clear()
        self._numbers = []
        self._band_sent = (0, 0)

    def drop(self, number: int) -> None:
        """Read a trial again that had ended: it runs once more."""
        self._sent.pop(number, None)
        self._judged.discard(number)

    @property
    def folding(self) -> bool:
        """Whether curves wait to be added to the band."""
        return bool(self._fold)

    def changes(self, source: Source, numbers: list[int]) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Return what the views lack, as a part of the head and its blocks; empty where nothing changed."""
        head: dict[str, Any] = {}
        blocks: list[np.ndarray] = []
        if numbers != self._numbers:
            self._retire(source.over, set(numbers))
            self._numbers = numbers
            head["show"] = numbers
        lines = [line for number in numbers if (line := self._line(source, number, blocks))]
        if lines:
            head["lines"] = lines
        if self.want.kind == "step":
            self._fold_some(source)
            state = (self._band.revision, self._others)
            if self._band.trials and state != self._band_sent:
                columns = self._band.columns()
                head["band"] = {"p": columns.data.shape[1], "trials": self._band.trials, "of": self._others}
                blocks.append(columns.data.ravel())
                self._band_sent = state
        if head:
            head |= {"m": self.want.metric, "a": self.want.kind}
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
        if self.want.kind == "time":
            windows = source.reader.windows(number, self.want.metric)
            return 0, None if windows is None else window_columns(windows, source.origin)
        curve = source.reader.curve(number, self.want.metric)
        if curve is None:
            return 0, None
        if before is not None and before.columns is not None and before.revision == curve.revision:
            return curve.revision, before.columns
        return curve.revision, curve_columns(curve)

    def _retire(self, over: set[int], shown: set[int]) -> None:
        for number in set(self._sent) - shown:
            del self._sent[number]
        if self.want.kind == "step":
            others = over - shown
            self._others = len(others)
            fresh = others - self._judged
            self._judged |= fresh
            self._fold.extend(sorted(sampled(fresh, len(others)), reverse=True))

    def _fold_some(self, source: Source) -> None:
        until = source.monotonic() + _FOLD_SECONDS
        while self._fold:
            curve = source.reader.curve(self._fold.popleft(), self.want.metric)
            if curve is not None:
                self._band.fold(curve.steps, curve.values)
            if source.monotonic() > until:
                break
