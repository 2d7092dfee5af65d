"""A job of many finished trials and 20 running ones, whose reports a benchmark counts out.

It finds what changed as the kernel's own reader does: without a walk through all trials.
"""

from __future__ import annotations

import dataclasses
import itertools
import threading
from typing import TYPE_CHECKING

import numpy as np
from plugins.fake_job import FakeReader

from astraml_lab.clock import SystemClock
from astraml_lab.spec import Categorical, CurveView, Float, Int, Space, TrialState, TrialView, objectives_of

if TYPE_CHECKING:
    from astraml_lab.clock import Clock
    from astraml_lab.spec import ParamValue

RUNNING, POINTS = 20, 250
PERIOD = 0.25
"""Seconds between two reports of a trial where the job moves by itself."""
SETTLES = 4
"""One trial ends, and the next one starts, with every so many reports."""
SPACE = Space(
    {
        "lr": Float(1e-4, 1e-1, log=True),
        "width": Int(16, 256),
        "act": Categorical(["relu", "gelu", "tanh"]),
        "dropout": Float(0.0, 0.5),
        "momentum": Float(0.5, 0.99),
        "decay": Float(1e-6, 1e-2, log=True),
    }
)
STEPS = np.arange(20_000, dtype=float)
WAVE = np.sin(STEPS / 40) + STEPS / 9_000


class LargeReader(FakeReader):
    """The reader of such a job."""

    def __init__(
        self,
        finished: int,
        *,
        clock: Clock | None = None,
        growing: bool = False,
        objectives: tuple[str, ...] = ("accuracy",),
    ) -> None:
        super().__init__(clock=clock, trials=finished + RUNNING)
        self.moves, self.growing = 0, growing
        self._names = objectives
        self._random = np.random.default_rng(0)
        self._scores: dict[int, tuple[float, ...]] = {}
        self._front: list[int] = []
        first = self.clock.time() - finished
        for number in range(finished):
            self._trials[number] = self._ended(self._begun(number, first + number), first + number + RUNNING)
        self._live = dict.fromkeys(range(finished, finished + RUNNING), POINTS)
        for number in self._live:
            self._trials[number] = self._begun(number, self.clock.time())
        self._cursor = 1
        self._changed = dict.fromkeys(self._trials, 1)
        self.change(
            objectives=objectives_of(objectives),
            space=SPACE,
            param_names=tuple(SPACE.names()),
            metric_names=objectives,
        )
        self._count()

    def trials(self, since: int = 0) -> tuple[int, tuple[TrialView, ...]]:
        """Look from the latest change back."""
        with self.lock:
            changed = itertools.takewhile(
                lambda number: self._changed[number] > since, reversed(self._changed)
            )
            return self._cursor, tuple(self._trials[number] for number in sorted(changed))

    def curve(self, trial: int, metric: str) -> CurveView:
        """Return points that are all new, or one more; of a finished trial always the same."""
        moves = self.moves if trial in self._live else 0
        size = POINTS - 60 + moves if self.growing else POINTS
        first = 37 * (trial % RUNNING) + (0 if self.growing else moves % 10_000)
        return CurveView(trial, metric, STEPS[:size], WAVE[first : first + size], moves + 1)

    def move(self) -> None:
        """Let every running trial report once more."""
        with self.lock:
            self.moves += 1
            self._cursor += 1
            for number in self._live:
                self._mark(dataclasses.replace(self._trials[number], step=POINTS + self.moves))

    def settle(self) -> None:
        """Let the oldest running trial end, and another one start."""
        with self.lock:
            self._cursor += 1
            over, new = min(self._live), len(self._trials)
            del self._live[over]
            self._mark(self._ended(self._trials[over], self.clock.time()))
            self._live[new] = POINTS
            self._mark(self._begun(new, self.clock.time()))
            self._count()

    def _mark(self, trial: TrialView) -> None:
        self._trials[trial.number] = trial
        self._changed.pop(trial.number, None)
        self._changed[trial.number] = self._cursor

    def _begun(self, number: int, now: float) -> TrialView:
        metrics = dict(zip(self._names, map(float, self._random.uniform(size=len(self._names))), strict=True))
        return TrialView(
            number,
            TrialState.RUNNING,
            self._point(),
            metrics=metrics,
            started_at=now,
            device=f"cuda:{number % 4}",
            step=POINTS,
        )

    def _point(self) -> dict[str, ParamValue]:
        part = self._random.uniform(size=6)
        return {
            "lr": float(10 ** (3 * part[0] - 4)),
            "width": int(16 + 240 * part[1]),
            "act": ("relu", "gelu", "tanh")[int(3 * part[2])],
            "dropout": float(part[3] / 2),
            "momentum": float(0.5 + 0.49 * part[4]),
            "decay": float(10 ** (4 * part[5] - 6)),
        }

    def _ended(self, trial: TrialView, now: float) -> TrialView:
        values = tuple(trial.metrics[name] for name in self._names)
        self._scores[trial.number] = values
        if not any(_dominates(self._scores[each], values) for each in self._front):
            self._front = [each for each in self._front if not _dominates(values, self._scores[each])]
            self._front.append(trial.number)
        return dataclasses.replace(trial, state=TrialState.COMPLETE, values=values, ended_at=now)

    def _count(self) -> None:
        counts = {TrialState.COMPLETE: len(self._scores), TrialState.RUNNING: len(self._live)}
        self.change(
            counts={state: count for state, count in counts.items() if count},
            running=tuple(self._live),
            best=tuple(self._front),
            trials=len(self._trials),
        )


def moving(finished: int, objectives: tuple[str, ...] = ("accuracy",)) -> LargeReader:
    """Return the reader of a job that moves by itself from now on."""
    reader = LargeReader(finished, objectives=objectives, clock=SystemClock())
    pause = threading.Event()

    def work() -> None:
        while not pause.wait(PERIOD):
            reader.move()
            if reader.moves % SETTLES == 0:
                reader.settle()

    threading.Thread(target=work, name="large-job", daemon=True).start()
    return reader


def _dominates(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(mine >= theirs for mine, theirs in zip(one, other, strict=True))
