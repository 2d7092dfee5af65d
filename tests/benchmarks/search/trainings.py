"""Small networks that really train, on the data that scikit-learn brings along: 27 epochs of plain numpy.

A hidden layer, trained by mini-batches with momentum and weight decay, its rate constant or annealed. What
is reported is the logarithm of the validation loss: cross entropy, or the squared error in `diabetes`.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from benchmarks.search.curve_tasks import EPOCHS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import optuna
    from benchmarks.search.curve_tasks import Training
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_MOST = 300
_HELD_OUT = 0.4
_BOUND = 1e4


class Data(NamedTuple):
    """Inputs, shape (n, d), and targets, shape (n, c), to learn from and to be measured by."""

    inputs: Array
    targets: Array
    held_inputs: Array
    held_targets: Array


@functools.cache
def data(name: str) -> Data:
    """Return a data set, standardised, and its classes as columns."""
    from sklearn import datasets

    found = getattr(datasets, f"load_{name}")()
    inputs = np.asarray(found.data, dtype=float)
    inputs = (inputs - inputs.mean(axis=0)) / (inputs.std(axis=0) + 1e-9)
    wanted = np.asarray(found.target)
    if name == "diabetes":
        targets = ((wanted - wanted.mean()) / wanted.std())[:, None]
    else:
        targets = np.eye(int(wanted.max()) + 1)[wanted]
    order = np.random.default_rng(0).permutation(len(inputs))[: int(_MOST / (1 - _HELD_OUT))]
    held = int(_HELD_OUT * len(order))
    learnt, kept = order[held:], order[:held]
    return Data(inputs[learnt], targets[learnt], inputs[kept], targets[kept])


@dataclass(frozen=True)
class NetTask:
    """One data set."""

    name: str
    maximise: bool = False

    def begin(self, trial: optuna.Trial, seed: int) -> Iterator[float]:
        """Draw a point and yield its loss after each epoch."""
        settings = {
            "lr": trial.suggest_float("lr", 1e-3, 3.0, log=True),
            "momentum": trial.suggest_float("momentum", 0.0, 0.98),
            "decay": trial.suggest_float("decay", 1e-6, 0.3, log=True),
            "noise": trial.suggest_float("noise", 0.0, 1.0),
        }
        width = trial.suggest_int("width", 2, 64, log=True)
        batch = trial.suggest_int("batch", 16, 100, log=True)
        schedule = trial.suggest_categorical("schedule", ["constant", "cosine"])
        chance = np.random.default_rng([seed, 3])
        return _train(data(self.name), settings, width, batch, schedule, chance)

    def true(self, _trial: optuna.Trial, last: float) -> float:
        """Return what was measured."""
        return last


def _train(
    found: Data,
    settings: dict[str, float],
    width: int,
    batch: int,
    schedule: str,
    chance: np.random.Generator,
) -> Iterator[float]:
    inputs, targets = found.inputs, found.targets
    regress = targets.shape[1] == 1
    weights = [
        chance.standard_normal((inputs.shape[1] + 1, width)) / math.sqrt(inputs.shape[1]),
        chance.standard_normal((width + 1, targets.shape[1])) / math.sqrt(width),
    ]
    moving = [np.zeros_like(each) for each in weights]
    starts = range(0, len(inputs), batch)
    for epoch in range(EPOCHS):
        order = chance.permutation(len(inputs))
        for index, start in enumerate(starts):
            share = (epoch + index / len(starts)) / EPOCHS
            rate = (
                settings["lr"] * (math.cos(math.pi * share) + 1) / 2
                if schedule == "cosine"
                else settings["lr"]
            )
            rows = order[start : start + batch]
            seen = inputs[rows] + settings["noise"] * chance.standard_normal((len(rows), inputs.shape[1]))
            for at, slope in enumerate(_slopes(weights, seen, targets[rows], regress=regress)):
                moving[at] = settings["momentum"] * moving[at] - rate * (
                    slope + settings["decay"] * weights[at]
                )
                weights[at] = np.clip(weights[at] + moving[at], -_BOUND, _BOUND)
        yield _loss(weights, found.held_inputs, found.held_targets, regress=regress)


def _with_one(values: Array) -> Array:
    return np.concatenate([values, np.ones((len(values), 1))], axis=1)


def _outputs(weights: list[Array], hidden: Array, *, regress: bool) -> Array:
    found = _with_one(hidden) @ weights[1]
    if regress:
        return np.asarray(found)
    risen = np.exp(found - found.max(axis=1, keepdims=True))
    return np.asarray(risen / risen.sum(axis=1, keepdims=True))


def _slopes(weights: list[Array], inputs: Array, targets: Array, *, regress: bool) -> list[Array]:
    seen = _with_one(inputs)
    hidden = np.tanh(seen @ weights[0])
    missed = (_outputs(weights, hidden, regress=regress) - targets) / len(inputs)
    back = (missed @ weights[1][:-1].T) * (1 - hidden**2)
    return [seen.T @ back, _with_one(hidden).T @ missed]


def _loss(weights: list[Array], inputs: Array, targets: Array, *, regress: bool) -> float:
    found = _outputs(weights, np.tanh(_with_one(inputs) @ weights[0]), regress=regress)
    if regress:
        loss = float(np.mean((found - targets) ** 2))
    else:
        loss = float(-np.mean(np.log(np.maximum((found * targets).sum(axis=1), 1e-12))))
    return math.log10(min(max(loss, 1e-4), 1e3))


TASKS: dict[str, Training] = {
    task.name: task for task in map(NetTask, ("digits", "breast_cancer", "wine", "diabetes"))
}
