"""Tasks with two and three objectives: trainings that weigh loss against size, and known fronts.

The trainings really train, on the data that scikit-learn brings, each for a fraction of a second; what they
return is the loss on held-out data and the logarithm of the model's size. All objectives are minimised.
"""

from __future__ import annotations

import functools
import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import optuna

    Data = tuple[Any, Any, Any, Any]


@dataclass(frozen=True)
class Task:
    """One task.

    Attributes:
        name: Its name.
        values: Draws a point and returns its values.
        low: About the lowest that there is of each.
        high: Where the volume ends that counts: a middling random point's loss, the largest size.
    """

    name: str
    values: Callable[[optuna.Trial], tuple[float, ...]]
    low: tuple[float, ...]
    high: tuple[float, ...]


@functools.cache
def _data(name: str, rows: int) -> Data:
    """Return a part of a data set: to learn from, and held out."""
    from sklearn.datasets import load_breast_cancer, load_digits
    from sklearn.model_selection import train_test_split

    x, y = {"cancer": load_breast_cancer, "digits": load_digits}[name](return_X_y=True)
    x = (x - x.mean(axis=0)) / np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
    learn, held, its, theirs = train_test_split(x, y, train_size=rows, random_state=0, stratify=y)
    return learn, held, its, theirs


def _loss(model: Any, data: Data) -> float:
    from sklearn.metrics import log_loss

    learn, held, its, theirs = data
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(learn, its)
        return float(log_loss(theirs, model.predict_proba(held), labels=model.classes_))


def boosting(trial: optuna.Trial) -> tuple[float, float]:
    """Gradient boosting on the cancer data, against the number of leaves."""
    from sklearn.ensemble import GradientBoostingClassifier

    trees, leaves = trial.suggest_int("trees", 4, 60, log=True), trial.suggest_int("leaves", 2, 16)
    model = GradientBoostingClassifier(
        n_estimators=trees,
        max_leaf_nodes=leaves,
        learning_rate=trial.suggest_float("rate", 0.01, 1.0, log=True),
        subsample=trial.suggest_float("subsample", 0.3, 1.0),
        max_features=trial.suggest_float("features", 0.1, 1.0),
        min_samples_leaf=trial.suggest_int("least", 1, 30, log=True),
        random_state=0,
    )
    return _loss(model, _data("cancer", 300)), math.log10(trees * leaves)


def network(trial: optuna.Trial) -> tuple[float, float]:
    """A network on the digits, against the number of its weights."""
    from sklearn.neural_network import MLPClassifier

    width, layers = trial.suggest_int("width", 4, 96, log=True), trial.suggest_int("layers", 1, 2)
    model = MLPClassifier(
        hidden_layer_sizes=(width,) * layers,
        activation=trial.suggest_categorical("activation", ["relu", "tanh", "logistic"]),
        learning_rate_init=trial.suggest_float("rate", 1e-4, 0.3, log=True),
        alpha=trial.suggest_float("decay", 1e-6, 1.0, log=True),
        batch_size=trial.suggest_int("batch", 16, 128, log=True),
        beta_1=1.0 - trial.suggest_float("calm", 0.01, 0.5, log=True),
        max_iter=8,
        random_state=0,
    )
    weights = 65 * width + (layers - 1) * (width + 1) * width + 10 * (width + 1)
    return min(_loss(model, _data("digits", 400)), 10.0), math.log10(weights)


def machine(trial: optuna.Trial) -> tuple[float, float]:
    """A support vector machine on some components of the digits, against the numbers that it keeps."""
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import SVC

    components = trial.suggest_int("components", 2, 60, log=True)
    machine = SVC(
        C=trial.suggest_float("C", 1e-2, 1e3, log=True),
        kernel=trial.suggest_categorical("kernel", ["rbf", "linear", "poly"]),
        gamma=trial.suggest_float("gamma", 1e-5, 1.0, log=True),
        coef0=trial.suggest_float("coef0", 0.0, 2.0),
        shrinking=trial.suggest_categorical("shrinking", [True, False]),
        max_iter=2000,
        random_state=0,
    )
    model = make_pipeline(PCA(components, random_state=0), machine)
    learn, held, its, theirs = _data("digits", 400)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as far as it gets
        model.fit(learn, its)
    wrong = 1.0 - float(model.score(held[:600], theirs[:600]))
    return wrong, math.log10(len(machine.support_) * components)


def forest(trial: optuna.Trial) -> tuple[float, float]:
    """A forest on some rows of the digits, against the number of its nodes."""
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(
        n_estimators=trial.suggest_int("trees", 1, 40, log=True),
        max_depth=trial.suggest_int("depth", 2, 14),
        max_features=trial.suggest_float("features", 0.02, 1.0, log=True),
        min_samples_leaf=trial.suggest_int("least", 1, 20, log=True),
        criterion=trial.suggest_categorical("criterion", ["gini", "entropy"]),
        bootstrap=trial.suggest_categorical("bootstrap", [True, False]),
        random_state=0,
    )
    loss = min(_loss(model, _data("digits", 400)), 10.0)
    return loss, math.log10(sum(tree.tree_.node_count for tree in model.estimators_))


def bent(trial: optuna.Trial) -> tuple[float, float]:
    """Mixed dimensions in the manner of ZDT1: a convex front, behind a logarithm, steps and a choice."""
    x = trial.suggest_float("x", 0, 1)
    rate = math.log10(trial.suggest_float("rate", 1e-5, 1e-1, log=True))
    steps, kind = trial.suggest_int("steps", 1, 12), trial.suggest_categorical("kind", ["a", "b", "c"])
    drop = trial.suggest_float("drop", 0, 0.9)
    far = (rate + 3.2) ** 2 + 0.05 * (steps - 8) ** 2 + 4 * (drop - 0.25 - 0.2 * x) ** 2
    g = 1 + far + {"a": 0.6, "b": 0.0, "c": 0.3}[kind]
    return x, g * (1 - math.sqrt(x / g))


def broken(trial: optuna.Trial) -> tuple[float, float]:
    """Six floats in the manner of ZDT3: the front is in pieces."""
    x = [trial.suggest_float(f"x{index}", 0, 1) for index in range(6)]
    g = 1 + 9 * sum(x[1:]) / 5
    return x[0], g * (1 - math.sqrt(x[0] / g) - x[0] / g * math.sin(10 * math.pi * x[0]))


def hollow(trial: optuna.Trial) -> tuple[float, float]:
    """Mixed dimensions in the manner of ZDT2: no weighted sum has its least within the front."""
    x, y = (trial.suggest_float(name, 0, 1) for name in ("x", "y"))
    size = math.log2(trial.suggest_int("size", 1, 256, log=True))
    kind, on = trial.suggest_categorical("kind", ["a", "b", "c"]), trial.suggest_categorical("on", [0, 1])
    g = 1 + 4 * (y - 0.6) ** 2 + 0.1 * (size - 5) ** 2 + {"a": 0.0, "b": 0.5, "c": 0.2}[kind] + 0.4 * on
    return x, g * (1 - (x / g) ** 2)


def counted(trial: optuna.Trial) -> tuple[float, float]:
    """A loss against a plain count, of one to 1,536: most of what matters lies in its first tenth."""
    width, layers = trial.suggest_int("width", 1, 256, log=True), trial.suggest_int("layers", 1, 6)
    rate = math.log10(trial.suggest_float("rate", 1e-5, 1.0, log=True))
    drop = trial.suggest_float("drop", 0, 0.9)
    kind = trial.suggest_categorical("kind", ["a", "b", "c"])
    wrong = 0.8 * width**-0.5 / (1 + 0.3 * min(layers, 3)) + 0.02 * abs(layers - 3)
    wrong += 0.05 * (rate + 1.5 + 0.5 * math.log10(width)) ** 2 + 0.3 * (drop - 0.1 * math.log10(width)) ** 2
    return wrong + {"a": 0.1, "b": 0.0, "c": 0.03}[kind], float(width * layers)


def three(trial: optuna.Trial) -> tuple[float, float, float]:
    """Three objectives in the manner of DTLZ2: an eighth of a sphere, with a choice of how near it is."""
    a, b = (trial.suggest_float(name, 0, 1) * math.pi / 2 for name in ("a", "b"))
    far = sum((trial.suggest_float(f"x{index}", 0, 1) - 0.2 - 0.2 * index) ** 2 for index in range(3))
    g = 1 + far + {"u": 0.0, "v": 0.3}[trial.suggest_categorical("kind", ["v", "u"])]
    return g * math.cos(a) * math.cos(b), g * math.cos(a) * math.sin(b), g * math.sin(a)


def budget(trial: optuna.Trial) -> tuple[float, float, float]:
    """A loss against a size and a time, both in logarithms: they share what makes a model large."""
    width, layers = trial.suggest_int("width", 8, 512, log=True), trial.suggest_int("layers", 1, 4)
    batch = trial.suggest_int("batch", 8, 256, log=True)
    rate = math.log10(trial.suggest_float("rate", 1e-5, 1e-1, log=True))
    drop = trial.suggest_float("drop", 0, 0.8)
    kind = trial.suggest_categorical("kind", ["plain", "gated"])
    weights = (3 if kind == "gated" else 1) * layers * width**2 + 20 * width
    wrong = 2.0 * weights**-0.25 + 0.04 * (rate + 2.5 - 0.5 * math.log10(batch / 32)) ** 2
    wrong += 0.1 * (drop - 0.06 * math.log10(weights) + 0.1) ** 2 - (0.03 if kind == "gated" else 0.0)
    wrong += 0.03 * abs(layers - 2) + 0.03 * math.log10(batch / 8) ** 2
    return wrong, math.log10(weights), math.log10(weights**0.7 / batch + 2.0 * layers)


TASKS = {
    task.name: task
    for task in (
        Task("boosting", boosting, (0.08, math.log10(8)), (0.235, math.log10(960))),
        Task("network", network, (0.14, math.log10(310)), (1.03, math.log10(16522))),
        Task("machine", machine, (0.02, math.log10(200)), (0.2, math.log10(30000))),
        Task("forest", forest, (0.3, 0.6), (1.43, 3.83)),
        Task("bent", bent, (0.0, 0.0), (1.0, 2.34)),
        Task("broken", broken, (0.0, -0.8), (1.0, 4.04)),
        Task("hollow", hollow, (0.0, 0.0), (1.0, 2.3)),
        Task("counted", counted, (0.05, 1.0), (0.4, 1536.0)),
        Task("three", three, (0.0, 0.0, 0.0), (1.1, 1.1, 1.1)),
        Task("budget", budget, (0.03, 2.3, 0.3), (0.3, 6.4, 3.5)),
    )
}
TRAINED = ("boosting", "network", "machine", "forest")
