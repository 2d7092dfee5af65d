"""Trainings of 27 epochs in closed form, in the shapes that learning curves have, with a known lowest end.

Each is a loss (an accuracy in `accuracy`) that moves from a common start to its end: an end of 0 at a point
that is not in the middle of the space. How it moves depends on the same parameters: in a power law at once,
slowly to a better end, late in one drop, by a schedule at the very end, up again, or beyond all bounds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import optuna
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Drawn = tuple[Array, float]

EPOCHS = 27
_START = 2.3
_TIME = np.arange(1, EPOCHS + 1, dtype=float)


class Training(Protocol):
    """A task whose trials are trainings."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def maximise(self) -> bool:
        """Whether what is reported is better when it is greater."""

    def begin(self, trial: optuna.Trial, seed: int) -> Iterator[float]:
        """Draw a point and yield its value after each epoch."""

    def true(self, trial: optuna.Trial, last: float) -> float:
        """Return what a complete trial is really worth, smaller being better."""


@dataclass(frozen=True)
class CurveTask:
    """One closed form.

    Attributes:
        name: Its name.
        shape: Draws a point and returns its curve without noise, and its end.
        noise: The standard deviation of what is added to each value.
        maximise: Whether what is reported is better when it is greater: 1 less what is drawn.
        grain: Reported values are multiples of this; 0 for any.
    """

    name: str
    shape: Callable[[optuna.Trial], Drawn]
    noise: float = 0.005
    maximise: bool = False
    grain: float = 0.0

    def begin(self, trial: optuna.Trial, seed: int) -> Iterator[float]:
        """Draw a point and yield its value after each epoch."""
        curve, _ = self.shape(trial)
        chance = np.random.default_rng([seed, trial.number, 2])
        seen = curve + self.noise * chance.standard_normal(EPOCHS)
        if self.grain:
            seen = np.round(seen / self.grain) * self.grain
        return iter((1 - seen if self.maximise else seen).tolist())

    def true(self, trial: optuna.Trial, _last: float) -> float:
        """Return the end without noise."""
        return self.shape(trial)[1]


def _moving(end: float, left: Array) -> Drawn:
    """Return a curve that has `left` of its way to its end still to go; nothing at the last epoch."""
    left = left - left[-1]
    return end + (_START - end) * left, end


def _law(power: float, late: float = 0.0) -> Array:
    return np.asarray(((_TIME + late) / (1 + late)) ** -power * 0.85)


def _log(trial: optuna.Trial, name: str, low: float, high: float) -> float:
    """Draw a value by its logarithm and return where it lies, 0 to 1."""
    return math.log(trial.suggest_float(name, low, high, log=True) / low) / math.log(high / low)


def power(trial: optuna.Trial) -> Drawn:
    """Power laws of about the same pace."""
    rate, decay = _log(trial, "lr", 1e-5, 1), _log(trial, "decay", 1e-6, 1e-1)
    width = _log(trial, "width", 16, 1024)
    momentum = trial.suggest_float("momentum", 0, 0.99)
    away = 8 * (rate - 0.62) ** 2 + 2 * (decay - 0.35 + 0.4 * (rate - 0.62)) ** 2
    end = 0.5 * math.log1p(3 * (away + 0.8 * (width - 0.8) ** 2 + 0.5 * (momentum - 0.85) ** 2))
    return _moving(end, _law(0.7 + 0.8 * rate))


def crossing(trial: optuna.Trial) -> Drawn:
    """High rates are quick, and lower ones come to a better end."""
    rate, decay = _log(trial, "lr", 1e-4, 1), _log(trial, "decay", 1e-6, 1e-1)
    drop = trial.suggest_float("dropout", 0, 0.6)
    layers = trial.suggest_int("layers", 1, 6)
    away = 4 * (rate - 0.35) ** 2 + (decay - 0.6) ** 2 + 1.5 * (drop - 0.25) ** 2 + 0.04 * (layers - 4) ** 2
    return _moving(0.5 * math.log1p(4 * away), _law(0.25 + 2.2 * rate**1.5, late=2 * drop))


def late(trial: optuna.Trial) -> Drawn:
    """Nothing happens for a while, then most at once; the better ones are not the first."""
    rate, decay = _log(trial, "lr", 1e-4, 1), _log(trial, "decay", 1e-6, 1e-1)
    scale = _log(trial, "scale", 0.1, 10)
    kind = trial.suggest_categorical("kind", ["a", "b", "c"])
    away = 3 * (rate - 0.55) ** 2 + 2 * (decay - 0.65) ** 2 + (scale - 0.3) ** 2
    away += {"a": 0.1, "b": 0.0, "c": 0.25}[kind]
    at = 3 + 12 * decay - 4 * (rate - 0.5)
    pace = 0.6 + 0.8 * rate
    before = 1 / (1 + np.exp(pace * (_TIME - at)))
    return _moving(0.5 * math.log1p(4 * away), np.asarray(0.92 * before + 0.08 * _TIME**-0.5))


def cliff(trial: optuna.Trial) -> Drawn:
    """The higher the rate, the quicker and better, until it diverges after some epochs."""
    rate, momentum = _log(trial, "lr", 1e-5, 10), trial.suggest_float("momentum", 0, 0.99)
    decay = _log(trial, "decay", 1e-6, 1e-1)
    batch = math.log2(trial.suggest_int("batch", 8, 512, log=True) / 8) / 6
    speed = rate + 0.25 * momentum - 0.2 * batch
    edge = 0.72
    away = 5 * (min(speed, edge) - edge) ** 2 + (decay - 0.4) ** 2 + 0.4 * (batch - 0.3) ** 2
    end = 0.5 * math.log1p(4 * away)
    curve, _ = _moving(end, _law(0.4 + 1.2 * max(speed, 0.0)))
    over = speed - edge
    if over <= 0:
        return curve, end
    begins = max(1, int(12 * math.exp(-14 * over)))
    curve = np.where(begins < _TIME, curve + np.exp(np.minimum(_TIME - begins, 12)) * 0.2, curve)
    if over > _HOPELESS:
        curve[begins + 3 :] = math.nan
    return curve, float(curve[-1])


_HOPELESS = 0.25


def schedule(trial: optuna.Trial) -> Drawn:
    """Annealed rates look bad until the last third, and end best."""
    rate, decay = _log(trial, "lr", 1e-4, 1), _log(trial, "decay", 1e-6, 1e-1)
    smooth = trial.suggest_float("smoothing", 0, 0.3)
    kind = trial.suggest_categorical("schedule", ["constant", "cosine", "linear"])
    best = {"constant": 0.45, "cosine": 0.7, "linear": 0.65}[kind]
    away = 5 * (rate - best) ** 2 + (decay - 0.55) ** 2 + 3 * (smooth - 0.1) ** 2
    away += {"constant": 0.12, "cosine": 0.0, "linear": 0.03}[kind]
    left = _law(0.6 + 0.6 * rate)
    share = _TIME / EPOCHS
    shown = {"constant": 0.0 * share, "cosine": (1 + np.cos(np.pi * share)) / 2, "linear": 1 - share}[kind]
    return _moving(0.5 * math.log1p(4 * away), left + 0.3 * rate * shown)


def overfit(trial: optuna.Trial) -> Drawn:
    """What is hardly regularised falls first and rises again."""
    rate, decay = _log(trial, "lr", 1e-4, 1), _log(trial, "decay", 1e-6, 1)
    width, drop = _log(trial, "width", 8, 1024), trial.suggest_float("dropout", 0, 0.8)
    away = 3 * (rate - 0.6) ** 2 + (width - 0.7) ** 2
    end = 0.5 * math.log1p(4 * (away + 1.5 * (decay - 0.7) ** 2 + 1.5 * (drop - 0.4) ** 2))
    loose = max(0.0, width + 0.3 - decay - drop / 2)
    dip = 0.5 * min(end, loose) * np.sin(np.pi * (_TIME / EPOCHS) ** 0.6)
    curve, end = _moving(end, _law(0.6 + 1.4 * loose))
    return curve - dip, end


TASKS: dict[str, Training] = {
    task.name: task
    for task in (
        CurveTask("power", power),
        CurveTask("crossing", crossing),
        CurveTask("noisy", power, noise=0.04),
        CurveTask("late", late),
        CurveTask("cliff", cliff),
        CurveTask("schedule", schedule, noise=0.01),
        CurveTask("overfit", overfit),
        CurveTask("accuracy", crossing, noise=0.01, maximise=True, grain=0.005),
    )
}
