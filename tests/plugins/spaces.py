"""Jobs that hypothesis makes up: spaces of every kind, and any options."""

from __future__ import annotations

from hypothesis import strategies as st

from astraml_lab.spec import (
    AnyDimension,
    Categorical,
    Discrete,
    ExecutorKind,
    Float,
    Int,
    Pruning,
    Select,
    Space,
    Strategy,
)

WORDS = st.text(max_size=12) | st.sampled_from(
    [
        "a, b",
        "",
        " ",
        "x=y",
        "p; q",
        "'",
        '"it"',
        "don't",
        "none",
        "True",
        "1e3",
        "0x10",
        "007",
        "\\d",
        "inf",
        "a\nb",
    ]
)
SCALARS = WORDS | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
CHOICES = st.lists(SCALARS, min_size=1, max_size=5).filter(
    lambda given: all(given.index(choice) == index for index, choice in enumerate(given))
)
NAMES = st.text(min_size=1, max_size=8)
BOUNDS = st.tuples(st.floats(-1e6, 1e6), st.floats(0, 1e6)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@st.composite
def spaces(draw: st.DrawFn, names: st.SearchStrategy[str] = NAMES) -> Space:
    """A space whose dimensions may depend on the first."""
    parent = Categorical(draw(CHOICES))
    name, *others = draw(st.lists(names, min_size=1, max_size=5, unique=True))
    when = {name: draw(st.lists(st.sampled_from(parent.choices), min_size=1, max_size=3))}
    dimensions: dict[str, AnyDimension] = {name: parent}
    for other in others:
        low, high = draw(BOUNDS)
        kinds: list[AnyDimension] = [
            Float(low, high, when=when),
            Float(low, high, step=draw(st.sampled_from([1.0, 0.1, 3.0]))),
            Float(abs(low) + 1e-3, abs(low) + abs(high) + 1, log=True, when=when),
            Float(0.5, 0.75, scale="reverse_log"),
            Float(1.0, 2.0, scale="vertex_reverse_log"),
            Int(int(low), int(high) + 1, step=draw(st.integers(1, 5)), when=when),
            Int(1, 1000, log=True),
            Discrete([low, high + 1, int(high) + 7]),
        ]
        dimensions[other] = draw(st.sampled_from(kinds))
    return Space(dimensions)


OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.text(min_size=1, max_size=9).filter(
            lambda text: text.isprintable() and text == text.strip()
        ),
        "trials": st.integers(1, 1_000_000),
        "parallel": st.none() | st.integers(1, 4096),
        "gpus": st.sampled_from([None, 0.0, 0.25, 1.0, 8.0]),
        "devices": st.none() | st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True).map(tuple),
        "reserve": st.integers(0, 8),
        "strategy": st.sampled_from(Strategy).filter(lambda chosen: chosen is not Strategy.HYPERBAND),
        "prune": st.sampled_from(Pruning),
        "patience": st.none() | st.integers(1, 99),
        "target": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "max_runtime": st.none() | st.floats(0.01, 1e6),
        "trial_timeout": st.none() | st.integers(1, 10**6).map(float),
        "retries": st.integers(0, 100),
        "window": st.sampled_from([1.0, 5.0, 30.0, 300.0]),
        "seed": st.none() | st.integers(0, 2**32 - 1),
        "executor": st.sampled_from(ExecutorKind),
        "select": st.sampled_from(Select),
        "on_nan": st.sampled_from(["fail", "last_finite"]),
        "wait": st.sampled_from([None, True, False]),
        "new": st.booleans(),
    },
)
