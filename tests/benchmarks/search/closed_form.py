"""Functions whose lowest value is known, in the shapes that tuning has: logarithms, steps, choices, cliffs.

No optimum is in the middle of its space, where a search may begin. Each function draws its parameters from an
Optuna trial and returns its value without noise; smaller is better.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import optuna


@dataclass(frozen=True)
class Task:
    """One function.

    Attributes:
        name: Its name.
        value: Draws a point and returns its value.
        lowest: The value at its optimum.
        noise: The standard deviation of what is added to an observation.
    """

    name: str
    value: Callable[[optuna.Trial], float]
    lowest: float
    noise: float = 0.0


def branin(trial: optuna.Trial) -> float:
    """Two floats, three optima."""
    x, y = trial.suggest_float("x", -5, 10), trial.suggest_float("y", 0, 15)
    bend = y - 5.1 * x**2 / (4 * math.pi**2) + 5 * x / math.pi - 6
    return bend**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


_HARTMANN_PULL = np.array(
    [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ]
)
_HARTMANN_AT = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def hartmann(trial: optuna.Trial) -> float:
    """Six floats, six optima of different depth."""
    x = np.array([trial.suggest_float(f"x{index}", 0, 1) for index in range(6)])
    wells = np.exp(-(_HARTMANN_PULL * (x - _HARTMANN_AT) ** 2).sum(axis=1))
    return float(-np.array([1.0, 1.2, 3.0, 3.2]) @ wells)


def ackley(trial: optuna.Trial) -> float:
    """Five floats, a funnel with many dents, off the centre."""
    at = np.array([1.7, -2.9, 3.3, -0.8, 2.2])
    z = np.array([trial.suggest_float(f"x{index}", -8, 8) for index in range(5)]) - at
    far = math.exp(-0.2 * math.sqrt(float(np.mean(z**2))))
    return float(20 - 20 * far + math.e - math.exp(float(np.mean(np.cos(2 * math.pi * z)))))


def valley(trial: optuna.Trial) -> float:
    """Four floats in their logarithm, along a bent ridge."""
    z = [math.log10(trial.suggest_float(f"x{index}", 1e-4, 1e2, log=True)) for index in range(4)]
    pairs = itertools.pairwise(z)
    return math.log1p(sum(20 * (b - 0.5 * a * a + 1) ** 2 + (a + 1.5) ** 2 for a, b in pairs)) - _VALLEY


def _lowest_valley() -> float:
    """Return the lowest value of `valley` before its own subtraction, by descent from its ridge."""
    from scipy.optimize import minimize

    def bent(z: np.ndarray) -> float:
        pairs = itertools.pairwise(z)
        return float(sum(20 * (b - 0.5 * a * a + 1) ** 2 + (a + 1.5) ** 2 for a, b in pairs))

    starts = np.random.default_rng(0).uniform(-4, 2, (40, 4))
    ends = [minimize(bent, at, method="L-BFGS-B", bounds=[(-4, 2)] * 4).fun for at in starts]
    return math.log1p(min(ends))


_VALLEY = _lowest_valley()


def training(trial: optuna.Trial) -> float:
    """Eight mixed dimensions of a training that diverges beyond a learning rate: a ridge before a cliff."""
    rate = math.log10(trial.suggest_float("lr", 1e-5, 1.0, log=True))
    decay = math.log10(trial.suggest_float("weight_decay", 1e-7, 1e-1, log=True))
    batch = math.log2(trial.suggest_int("batch", 8, 512, log=True))
    layers = trial.suggest_int("layers", 1, 8)
    momentum = trial.suggest_float("momentum", 0.0, 0.99)
    dropout = trial.suggest_float("dropout", 0.0, 0.6)
    optimizer = trial.suggest_categorical("optimizer", ["sgd", "adamw", "lamb"])
    norm = trial.suggest_categorical("norm", ["none", "batch", "layer", "group"])
    best_rate = {"sgd": -1.0, "adamw": -2.7, "lamb": -2.2}[optimizer]
    off = rate - 0.15 * (batch - 5) + 0.5 * momentum - best_rate - 0.2
    if off > {"none": 0.6, "batch": 1.4, "layer": 1.0, "group": 1.0}[norm]:
        return 4.0 + min(off, 3.0)
    loss = 0.3 * off**2 if off < 0 else 0.12 * off**2
    loss += 0.02 * (decay + 4 + 0.3 * off) ** 2 + 0.012 * (layers - 5) ** 2
    loss += 0.5 * (dropout - 0.05 * layers) ** 2 + 0.1 * (momentum - 0.8) ** 2 + 0.004 * (batch - 6) ** 2
    loss += {"sgd": 0.05, "adamw": 0.0, "lamb": 0.03}[optimizer]
    return loss + {"none": 0.1, "batch": 0.02, "layer": 0.0, "group": 0.015}[norm]


def steps(trial: optuna.Trial) -> float:
    """Integers, steps and a choice of what shifts them."""
    a = trial.suggest_int("a", 1, 12)
    b = trial.suggest_int("b", 16, 1024, log=True)
    c = trial.suggest_float("c", 0.0, 1.0, step=0.05)
    d = trial.suggest_int("d", 0, 100, step=5)
    shift = {"p": 0, "q": 3, "r": -2, "s": 5}[trial.suggest_categorical("kind", ["p", "q", "r", "s"])]
    z = [(a - 6 - shift / 2) / 4, math.log2(b / 128) - shift / 3, 3 * (c - 0.35), (d - 65 - 3 * shift) / 25]
    return sum(v * v + 0.2 * (1 - math.cos(3 * v)) for v in z) + 0.15 * abs(shift + 2)


def choices(trial: optuna.Trial) -> float:
    """Three choices that matter together, beside three floats."""
    kinds = [trial.suggest_categorical(f"k{index}", ["a", "b", "c", "d"]) for index in range(3)]
    x = [trial.suggest_float(f"x{index}", -3, 3) for index in range(3)]
    ranks = [{"a": 0, "b": 1, "c": 2, "d": 3}[kind] for kind in kinds]
    table = 0.4 * ((ranks[0] + 2 * ranks[1] + 3 * ranks[2]) % 7)
    return table + sum(
        (value - 0.7 * (rank - 1.2)) ** 2 * (1 + rank / 3) for value, rank in zip(x, ranks, strict=True)
    )


def twelve(trial: optuna.Trial) -> float:
    """Twelve floats of which four matter much."""
    weights = [4, 2, 1, 1] + [0.03] * 8
    return sum(
        weight * (trial.suggest_float(f"x{index}", 0, 1) - 0.15 - 0.06 * index) ** 2
        for index, weight in enumerate(weights)
    )


def branches(trial: optuna.Trial) -> float:
    """Conditional: each of three methods has two or three dimensions of its own."""
    common = trial.suggest_float("common", 0, 1)
    method = trial.suggest_categorical("method", ["tree", "net", "kernel"])
    loss = (common - 0.8) ** 2
    if method == "tree":
        depth, leaves = trial.suggest_int("depth", 1, 16), trial.suggest_int("leaves", 2, 256, log=True)
        return loss + 0.1 + 0.01 * (depth - 9) ** 2 + 0.05 * (math.log2(leaves) - 5) ** 2
    if method == "net":
        rate = math.log10(trial.suggest_float("rate", 1e-5, 1, log=True))
        width = math.log2(trial.suggest_int("width", 8, 1024, log=True))
        drop = trial.suggest_float("drop", 0, 0.8)
        return loss + 0.15 * (rate + 2.5) ** 2 + 0.02 * (width - 8 - rate - 2.5) ** 2 + (drop - 0.2) ** 2
    gamma = math.log10(trial.suggest_float("gamma", 1e-4, 1e2, log=True))
    penalty = math.log10(trial.suggest_float("penalty", 1e-3, 1e3, log=True))
    return loss + 0.05 + 0.1 * (gamma + 1.2) ** 2 + 0.05 * (penalty - 1 + gamma) ** 2


_GOLDEN = (math.sqrt(5) - 1) / 2


def wide(trial: optuna.Trial, *, floats: int, choices: int = 0, waves: float = 0.0) -> float:
    """Many columns, of which a few matter most: weights from 1 to 0.001, each optimum somewhere else."""
    total = 0.0
    for at in range(floats):
        gap = trial.suggest_float(f"x{at}", 0, 1) - (0.1 + 0.8 * (at * _GOLDEN % 1))
        total += 10 ** (-3 * (at * 7 % floats) / floats) * (gap**2 + waves * (1 - math.cos(25 * gap)))
    for at in range(choices):
        missed = trial.suggest_categorical(f"c{at}", ["a", "b", "c"]) != "abc"[at % 3]
        total += 0.05 * 10 ** (-2 * at / choices) * missed
    return total


TASKS = {
    task.name: task
    for task in (
        Task("branin", branin, 0.39788735772973816),
        Task("hartmann", hartmann, -3.32236801141551),
        Task("ackley", ackley, 0.0),
        Task("valley", valley, 0.0),
        Task("training", training, 0.0),
        Task("training-noisy", training, 0.0, noise=0.03),
        Task("steps", steps, 0.0),
        Task("choices", choices, 0.0),
        Task("twelve", twelve, 0.0),
        Task("branches", branches, 0.0),
    )
}
WIDE = {
    task.name: task
    for task in (
        Task("forty", partial(wide, floats=30, choices=10), 0.0),
        Task("forty-waves", partial(wide, floats=40, waves=0.02), 0.0),
        Task("hundred", partial(wide, floats=100), 0.0),
    )
}
"""More columns than most searches have; not among the tasks that are run unless they are named."""
