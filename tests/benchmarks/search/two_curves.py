"""Trainings of 27 epochs with two objectives, both reported after each epoch; all are minimised.

Two are closed forms whose curves cross: a loss against the network's size, which is known at once, and two
losses that both have to be learned. One really trains: a small network on scikit-learn's digits.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import optuna

EPOCHS = 27
_TIME = np.arange(1, EPOCHS + 1, dtype=float)


@dataclass(frozen=True)
class Task:
    """One training.

    Attributes:
        name: Its name.
        begin: Draws a point and yields the objectives after each epoch.
        low: About the lowest that there is of each objective.
        high: Where the volume ends that counts.
    """

    name: str
    begin: Callable[[optuna.Trial, int], Iterator[tuple[float, float]]]
    low: tuple[float, float]
    high: tuple[float, float]


def _log(trial: optuna.Trial, name: str, low: float, high: float) -> float:
    """Draw a value by its logarithm and return where it lies, 0 to 1."""
    return math.log(trial.suggest_float(name, low, high, log=True) / low) / math.log(high / low)


def _curve(end: float, pace: float, start: float, noise: np.ndarray) -> np.ndarray:
    """Return a curve that goes from `start` to `end` in a power law."""
    left = (_TIME**-pace - EPOCHS**-pace) / (1 - EPOCHS**-pace)
    return np.asarray(end + (start - end) * 0.9 * left + noise)


def _noise(trial: optuna.Trial, seed: int, size: float) -> np.ndarray:
    return size * np.random.default_rng([seed, trial.number, 2]).standard_normal((2, EPOCHS))


def size(trial: optuna.Trial, seed: int) -> Iterator[tuple[float, float]]:
    """A loss against the logarithm of the size: large networks are slower and come to a better end."""
    rate, decay = _log(trial, "lr", 1e-5, 1), _log(trial, "decay", 1e-6, 1e-1)
    width, drop = _log(trial, "width", 8, 1024), trial.suggest_float("dropout", 0, 0.6)
    layers = trial.suggest_int("layers", 1, 4)
    large = 0.75 * width + 0.25 * (layers - 1) / 3
    away = 6 * (rate - 0.65 + 0.2 * large) ** 2 + (decay - 0.3 - 0.3 * large) ** 2
    away += 2 * (drop - 0.4 * large) ** 2
    end = 0.15 + 0.9 * (1 - large) ** 2 + 0.5 * math.log1p(4 * away)
    losses = _curve(end, 0.3 + 1.2 * rate + 0.5 * (1 - large), 2.3, _noise(trial, seed, 0.01)[0])
    kept = math.log10(8 + 1000 * large)
    for loss in losses.tolist():
        yield loss, kept


def both(trial: optuna.Trial, seed: int) -> Iterator[tuple[float, float]]:
    """Two losses that a weight trades against each other, each learned at a pace of its own."""
    rate, decay = _log(trial, "lr", 1e-4, 1), _log(trial, "decay", 1e-6, 1e-1)
    weight = trial.suggest_float("weight", 0, 1)
    kind = trial.suggest_categorical("kind", ["a", "b", "c"])
    away = (
        4 * (rate - 0.5) ** 2 + 2 * (decay - 0.6 + 0.2 * weight) ** 2 + {"a": 0.15, "b": 0.0, "c": 0.05}[kind]
    )
    far = 0.5 * math.log1p(4 * away)
    noise = _noise(trial, seed, 0.01)
    one = _curve(0.1 + far + weight**2, 0.3 + 1.5 * rate * (1.2 - weight), 2.0, noise[0])
    other = _curve(0.1 + far + (1 - weight) ** 2, 0.3 + 1.5 * rate * (0.2 + weight), 2.0, noise[1])
    yield from zip(one.tolist(), other.tolist(), strict=True)


@functools.cache
def _digits() -> tuple[Any, ...]:
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    inputs, labels = load_digits(return_X_y=True)
    return tuple(train_test_split(inputs / 16, labels, train_size=240, test_size=300, random_state=0))


def digits(trial: optuna.Trial, seed: int) -> Iterator[tuple[float, float]]:
    """A network that learns the digits by stochastic gradient descent, against the number of its weights."""
    from sklearn.metrics import log_loss
    from sklearn.neural_network import MLPClassifier

    learn, held, its, theirs = _digits()
    width, layers = trial.suggest_int("width", 4, 96, log=True), trial.suggest_int("layers", 1, 2)
    model = MLPClassifier(
        hidden_layer_sizes=(width,) * layers,
        activation=trial.suggest_categorical("activation", ["relu", "tanh", "logistic"]),
        solver="sgd",
        learning_rate_init=trial.suggest_float("lr", 1e-3, 1.0, log=True),
        alpha=trial.suggest_float("decay", 1e-6, 1.0, log=True),
        batch_size=trial.suggest_int("batch", 24, 120, log=True),
        momentum=trial.suggest_float("momentum", 0.0, 0.98),
        random_state=seed,
    )
    weights = 65 * width + (layers - 1) * (width + 1) * width + 10 * (width + 1)
    classes = np.arange(10)
    for _ in range(EPOCHS):
        with np.errstate(all="ignore"):
            model.partial_fit(learn, its, classes=classes)
            found = np.nan_to_num(model.predict_proba(held), nan=0.1)
        yield min(float(log_loss(theirs, found, labels=classes)), 10.0), math.log10(weights)


TASKS = {
    task.name: task
    for task in (
        Task("size", size, (0.15, 1.0), (2.0, 3.05)),
        Task("both", both, (0.1, 0.1), (2.0, 2.0)),
        Task("digits", digits, (0.1, 2.4), (2.3, 4.3)),
    )
}
