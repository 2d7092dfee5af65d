from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from astraml_lab.metrics import TrialMetrics, WindowRow

NOW = 1_700_000_000.0


def test_each_metric_counts_its_own_steps_from_one() -> None:
    metrics = TrialMetrics()
    steps = [metrics.add(name, 0.5, None, NOW) for name in ["loss", "loss", "accuracy", "loss", "accuracy"]]
    assert steps == [1, 2, 1, 3, 2]
    assert metrics.names == ("loss", "accuracy")


def test_the_counter_goes_on_from_the_greatest_step_given() -> None:
    metrics = TrialMetrics()
    steps = [metrics.add("loss", 0.5, step, NOW) for step in (0, 10, 3, None)]
    assert steps == [0, 10, 3, 11]


def test_a_repeated_and_a_falling_step_are_noted_once_each() -> None:
    metrics = TrialMetrics()
    for step in (1, 4, 4, 4, 2, 2, 5):
        metrics.add("loss", 0.5, step, NOW)
    assert metrics.take_notes() == [
        "`loss` was reported again at step 4: the last value counts",
        "`loss` went back from step 4 to 2: it is stored, and nothing is pruned on it",
    ]
    metrics.add("loss", 0.5, 5, NOW)
    assert metrics.take_notes() == []


def test_step_zero_is_a_first_step_like_any_other() -> None:
    metrics = TrialMetrics()
    for step in (-2, -1, 0):
        metrics.add("loss", 0.5, step, NOW)
    assert metrics.take_notes() == []


def test_numbers_that_are_none_are_counted_and_folded_nowhere() -> None:
    metrics = TrialMetrics()
    for value in (0.5, 0.2, math.nan, -math.inf):
        metrics.add("loss", value, None, NOW)
    loss = metrics.get("loss")
    assert loss is not None
    assert (loss.reports, loss.nonfinite, loss.last, loss.last_finite) == (4, 2, -math.inf, 0.2)
    assert (loss.best(maximize=True), loss.best(maximize=False)) == (0.5, 0.2)
    assert len(loss.curve) == 2
    (row,) = loss.windows.snapshot()
    assert (row.count, row.nonfinite, row.last_step) == (2, 2, 2)


def test_the_watermark_follows_the_newest_metric_and_the_end_seals_all() -> None:
    metrics = TrialMetrics()
    assert metrics.watermark == -math.inf
    metrics.add("loss", 0.5, None, NOW)
    metrics.add("accuracy", 0.5, None, NOW + 300)
    assert metrics.watermark == NOW + 180
    metrics.end()
    assert metrics.watermark == math.inf


def test_a_value_for_an_expired_window_is_noted_once() -> None:
    metrics = TrialMetrics()
    metrics.add("loss", 0.5, None, NOW)
    metrics.add("loss", 0.5, None, NOW - 49 * 3600)
    metrics.add("loss", 0.5, None, NOW - 49 * 3600)
    assert metrics.take_notes() == ["`loss` came after its window had expired; such values are only counted"]
    assert metrics.take_notes() == []


def test_a_clock_that_runs_ahead_is_not_believed() -> None:
    metrics = TrialMetrics()
    metrics.add("loss", 0.5, None, NOW + 3600, arrived=NOW)
    assert metrics.watermark <= NOW


reports = st.lists(
    st.tuples(
        st.sampled_from(["loss", "val/acc"]),
        st.floats(width=32),
        st.none() | st.integers(0, 20),
        st.integers(0, 200),
        st.booleans(),
    ),
    max_size=60,
)


@given(reports)
def test_what_was_drained_is_what_a_snapshot_shows(
    batch: list[tuple[str, float, int | None, int, bool]],
) -> None:
    metrics = TrialMetrics()
    rows: dict[tuple[str, float], WindowRow] = {}
    curves: dict[str, tuple[list[float], list[float]]] = {}

    def store() -> None:
        changes = metrics.drain()
        for name, changed in changes.windows.items():
            rows.update({(name, row.start): row for row in changed})
        for name, (steps, values) in changes.curves.items():
            curves[name] = steps.tolist(), values.tolist()

    for name, value, step, offset, drains in batch:
        metrics.add(name, value, step, NOW + offset)
        if drains:
            store()
    store()
    assert metrics.drain() == ({}, {})
    for name in metrics.names:
        series = metrics.get(name)
        assert series is not None
        assert [row for key, row in sorted(rows.items()) if key[0] == name] == series.windows.snapshot()
        steps, values = series.curve.arrays()
        assert curves.get(name, ([], [])) == (steps.tolist(), values.tolist())
