"""Complete cells for `%tune examples`: each runs as it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """A cell and what it shows."""

    name: str
    title: str
    source: str


CURVE = Example(
    "curve",
    "A first search: one objective, a report per step, bad trials pruned on the way",
    """\
%%tune --minimize loss --trials 30 --name curve
lr = Float(1e-3, 1.5, log=True)
momentum = Float(0.0, 0.95)

x, speed = 5.0, 0.0
for step in range(50):
    speed = momentum * speed - lr * 2 * x
    x += speed
    report(loss=min(x * x, 1e6), step=step)
""",
)

CONDITIONS = Example(
    "conditions",
    "Conditions: a parameter that only some choices have is `None` elsewhere",
    """\
%%tune --maximize score --trials 40 --name conditions
kind = Categorical(["linear", "power"])
slope = Float(0.1, 3.0, when={"kind": "linear"})
exponent = Int(1, 4, when={"kind": "power"})
shift = Discrete([0, 1, 2, 5])

points = [i / 20 for i in range(21)]
if kind == "linear":
    guess = [slope * p + shift for p in points]
else:
    guess = [p**exponent + shift for p in points]
error = sum((g - (p * p + 1)) ** 2 for g, p in zip(guess, points))
report(score=-error)
""",
)

PARETO = Example(
    "pareto",
    "Two objectives: the result is a front of the best compromises",
    """\
%%tune --maximize accuracy --minimize seconds --trials 40 --parallel 2 --name pareto
import random
import time

samples = Int(100, 20_000, log=True)
bias = Float(-0.2, 0.2)

began = time.perf_counter()
draw = random.Random(trial.seed)
inside = sum(draw.random() ** 2 + draw.random() ** 2 < 1 for _ in range(samples))
error = abs(4 * inside / samples + bias - 3.14159)
report(accuracy=1 - error, seconds=time.perf_counter() - began)
""",
)

EXAMPLES = (CURVE, CONDITIONS, PARETO)


def examples_text() -> str:
    """Return all examples, ready to read and to copy."""
    return "\n".join(
        f"# {example.title} (%tune examples {example.name})\n{example.source}" for example in EXAMPLES
    )
